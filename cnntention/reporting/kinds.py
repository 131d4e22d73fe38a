"""Kinds of tables and figures: what each of them has to say, and where they are found.

A kind is a file in ``reporting/tables/`` or ``reporting/figures/`` whose ``KIND`` fulfils the contract below; a stanza
of the config names it by ``kind``. Nothing else lists them.
"""

import abc
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from cnntention.base import layout, specs
from cnntention.base.layout import Run
from cnntention.base.stanza import Keys, schema

Spec = TypeVar("Spec")
CONTRACT = "kind"
"""The file in each of the two folders that is no kind itself."""


class Study(Protocol):
    """What a kind asks of the study that its product is a part of."""

    config: dict

    def digests(self, runs: Iterable[Run]) -> dict[str, str]:
        """The digest of the spec of each run, by the run's name."""

    def recipe(self, model: str, dataset: str | None = None) -> dict:
        """A model's recipe, as long as it is trained on a dataset."""


class Kind(abc.ABC, Generic[Spec]):
    """One kind of product.

    Attributes:
        spec_class: a frozen dataclass: all that a product of this kind depends on in the config.
        keys: a JSON schema of each key of the kind's stanza, with a ``description``; ``#/$defs/`` are those of
            ``config.schema.yaml``.
        required: which of them have to be there.
        files: of each run, which a product is made of: patterns of :mod:`cnntention.base.layout`.
        copied: keys of a stanza that are fields of the spec as they are.
    """

    spec_class: type[Spec]
    copied: ClassVar[tuple[str, ...]] = ()
    keys: ClassVar[dict[str, dict]]
    required: ClassVar[tuple[str, ...]]
    files: ClassVar[tuple[str, ...]] = (layout.EVAL,)

    @abc.abstractmethod
    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        """The runs that a product rests on, each once."""

    def builds(self, stanza: dict) -> list[str]:
        """Models that a product builds: the code of their blocks is its own."""
        return []

    def instruments(self, stanza: dict) -> list[str]:
        """Stanzas of the config's ``instruments``: a product rests on what they measure of each of its runs."""
        return []

    @abc.abstractmethod
    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        """What takes more than one key to see, a line each that names the key.

        Args:
            key: of the stanza.
            stanza: fits the schema.
            config: the whole one, without entries that are null.
            given: with them.
        """

    @abc.abstractmethod
    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        """The fields of the spec that :meth:`spec` does not know of, in plain dicts and lists."""

    def spec(self, name: str, stanza: dict, study: Study) -> Spec:
        """The spec of the product of a stanza."""
        content = {"name": name, "runs": study.digests(self.runs(stanza, study.config["seeds"]))}
        content |= {key: stanza[key] for key in ("kind", *self.copied)}
        return specs.read(self.spec_class, content | self.details(stanza, study))


AnyKind = TypeVar("AnyKind", bound=Kind)


class Kinds(Generic[AnyKind]):
    """All kinds of a folder; each is imported when it is asked for.

    Args:
        package: the folder, as a package.
        path: the package's ``__path__``.
        common: JSON schemas of keys that every stanza has to have, whatever its kind.
        default: the kind of a stanza that names none.
    """

    def __init__(self, package: str, path: Iterable[str], common: dict[str, dict], default: str | None = None):
        self._package = package
        self._common = common
        self._default = default
        self.names = sorted(module.name for module in pkgutil.iter_modules(path) if module.name != CONTRACT)

    def __getitem__(self, name: str) -> AnyKind:
        return importlib.import_module(f"{self._package}.{name}").KIND

    def file(self, name: str) -> str:
        """The source file of a kind, relative to the repository's root."""
        return f"{self._package.replace('.', '/')}/{name}.py"

    def schema(self) -> dict:
        """The JSON schema of a stanza, see :func:`cnntention.base.stanza.schema`."""
        kinds = {name: Keys(self[name].keys, self[name].required) for name in self.names}
        return schema(kinds, self._common, "what it shows, and which of the keys below it has", self._default)
