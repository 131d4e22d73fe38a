"""What a source of images is, and their registry: one file each in ``cnntention/data/sources/``.

The config is checked against what a source says before its images are read, so its file imports torch, torchvision and
the like where they are used, never at its top: ``snakemake -n`` imports them all.
"""

import abc
import dataclasses
import functools
import importlib
import os
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from cnntention.base import specs
from cnntention.data import sources
from cnntention.data.pictures import Pictures

PATH = {"$ref": "#/$defs/path", "description": "of the file or folder; see docs/extending.md for what it holds"}
"""The schema of a source's key that names what is the user's."""


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of images before they are read.

    Attributes:
        images: how many there are in the parts ``train`` and ``test``.
        image_shape: height, width, channels.
        class_names: in the order of the labels; None: not known beforehand.
        remarks: what a user may not expect, a sentence each.
        validation: how many of the training images it sets aside for validation itself; 0: it leaves the choice.
    """

    images: dict[str, int]
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    validation: int = 0


class Source(abc.ABC):
    """Images with labels, from one place.

    A source is a frozen dataclass. Its fields are the keys of its own in a dataset's entry in the config, the JSON
    schema of each in the field's metadata.
    """

    mirrored: ClassVar[bool] = False
    """Whether other addresses can be tried, see ``machine.mirrors`` in the config."""

    @property
    @abc.abstractmethod
    def origin(self) -> str:
        """Where the images come from, in words or by the file's name: for messages and the card."""

    @property
    def files(self) -> tuple[str, ...]:
        """The user's files that it reads."""
        return ()

    @abc.abstractmethod
    def known(self) -> Known:
        """What is known beforehand, in milliseconds.

        Raises:
            DataError: a file of the user's is missing or not what it should be.
        """

    @abc.abstractmethod
    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> Mapping[str, np.ndarray | Pictures]:
        """The images, fetched first if they are not there. Only what is checked becomes data.

        Args:
            downloads: the folder of downloads.
            mirrors: addresses to try before the official ones.

        Returns:
            ``x_train``, ``x_test`` uint8 ``[N, H, W, C]``, or picture files, which may differ in size where the config
            resizes them; ``y_train``, ``y_test`` int64 ``[N]``. Images that the source sets aside for validation stand
            where :func:`cnntention.data.split.cut` takes as many.

        Raises:
            DataError: the images cannot be obtained, or are damaged.
        """


_REGISTERED: dict[str, type[Source]] = {}


def register(name: str) -> Callable[[type[Source]], type[Source]]:
    """Class decorator: make a source known under ``name``."""

    def add(cls: type[Source]) -> type[Source]:
        taken = _REGISTERED.setdefault(name, cls)
        if taken is not cls:
            raise ValueError(f"{cls.__module__}: '{name}' is registered in {taken.__module__} already")
        return cls

    return add


@functools.cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(sources.__path__):
        importlib.import_module(f"{sources.__name__}.{module.name}")


def catalogue() -> dict[str, type[Source]]:
    """All sources by name."""
    _import_all()
    return dict(sorted(_REGISTERED.items()))


def keys(cls: type[Source]) -> dict[str, dict]:
    """A source's own keys in the config, each with its JSON schema."""
    return {field.name: dict(field.metadata) for field in dataclasses.fields(cls)}  # type: ignore[arg-type]


def required(cls: type[Source]) -> list[str]:
    """Those of them that an entry cannot do without."""
    return [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]  # type: ignore[arg-type]


def options(entry: dict[str, Any]) -> dict[str, Any]:
    """What a dataset's entry in the config holds of its source's own keys."""
    return {key: entry[key] for key in keys(catalogue()[entry["source"]]) if key in entry}


def create(name: str, options: dict[str, Any]) -> Source:
    """The source ``name`` with its own keys as in the config.

    Raises:
        KeyError: no source registers that name.
        ValueError: a key is missing, unknown or of the wrong type.
    """
    return specs.read(catalogue()[name], options)


def of(entry: dict[str, Any]) -> Source:
    """The source of a dataset's entry in the config."""
    return create(entry["source"], options(entry))


def file(name: str) -> str:
    """A source's file, relative to the repository's root."""
    return catalogue()[name].__module__.replace(".", "/") + ".py"
