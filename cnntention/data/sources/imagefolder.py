"""The user's own pictures: a folder for each class, with PNG, JPEG or WebP files in it."""

import dataclasses
import functools
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnntention.base.errors import DataError
from cnntention.data import pictures, split
from cnntention.data.npz import MINIMUM_SIZE
from cnntention.data.pictures import Pictures
from cnntention.data.source import PATH, Known, Source, register

TEST_SHARE = 0.2
CUT_SEED = 0
"""Of the cut between training and test pictures, where no folders make it."""

ODD = re.compile(r"[{}\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What a file's name must not hold: it becomes a file of the workflow, and a class's name a word of a table."""

PARTS = ("train", "test", "val")

Listing = dict[str, dict[str, list[str]]]
"""Paths of pictures, by part and class."""


@register("imagefolder")
@dataclasses.dataclass(frozen=True)
class ImageFolder(Source):
    """``PATH/train/CLASS/*``, ``PATH/test/CLASS/*`` and perhaps ``PATH/val/CLASS/*``; or ``PATH/CLASS/*``, and a cut.

    The cut takes the same share of each class for the tests. It goes by the names of the files alone, so that a picture
    that is added or taken away moves at most one other of its class from one part to the other.

    Attributes:
        path: of the folder.
        test_share: of the pictures, where no folders say which are for the tests; None: :data:`TEST_SHARE`.
        channels: 1 or 3; None: 1 if the first picture of each class is grey, else 3.
    """

    path: str = dataclasses.field(metadata=PATH)
    test_share: float | None = dataclasses.field(
        default=None,
        metadata={
            "type": "number",
            "exclusiveMinimum": 0,
            "exclusiveMaximum": 1,
            "description": "of each class's pictures, where there are no folders train and test; without it, 0.2",
        },
    )
    channels: int | None = dataclasses.field(
        default=None,
        metadata={"enum": [1, 3], "description": "1: grey, 3: colour; without it, as the pictures are"},
    )

    @property
    def origin(self) -> str:
        return self.path

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(path for part in self._listing.values() for paths in part.values() for path in paths)

    def known(self) -> Known:
        train, test = self._listing["train"], self._listing["test"]
        held_out = self._listing.get("val", {})
        heads = {paths[0]: pictures.header(paths[0]) for paths in train.values()}
        path, first = next(iter(heads.items()))
        if min(first.size) < MINIMUM_SIZE:
            raise DataError(f"{path}: {first.size[0]}x{first.size[1]}, at least 8x8 pixels are needed")
        channels = self.channels or (1 if all(head.grey for head in heads.values()) else 3)
        images = {"train": _count(train) + _count(held_out), "test": _count(test)}
        return Known(images, (*first.size, channels), tuple(train), validation=_count(held_out))

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray | Pictures]:
        known = self.known()
        channels = known.image_shape[2]
        if channels == 1 and not self.channels:
            for path in self.files:
                if not pictures.header(path).grey:
                    raise DataError(
                        f"{path}: in colour, among grey pictures; set channels to 3, or to 1 to make it grey"
                    )
        kept, train_labels = self._part("train")
        test, test_labels = self._part("test")
        paths, labels = np.empty(known.images["train"], object), np.empty(known.images["train"], np.int64)
        held_out, rest = split.cut(len(paths), known.validation)
        paths[rest], labels[rest] = kept, train_labels
        paths[held_out], labels[held_out] = self._part("val")
        return {
            "x_train": Pictures(tuple(paths), channels),
            "y_train": labels,
            "x_test": Pictures(tuple(test), channels),
            "y_test": np.asarray(test_labels),
        }

    @property
    def _folder(self) -> str:
        return self.path.rstrip("/")

    def _part(self, part: str) -> tuple[list[str], list[int]]:
        """Paths and labels of a part."""
        names = list(self._listing["train"])
        by_class = self._listing.get(part, {})
        pairs = [(path, names.index(name)) for name, paths in by_class.items() for path in paths]
        return [path for path, _ in pairs], [label for _, label in pairs]

    @functools.cached_property
    def _listing(self) -> Listing:
        folders = _folders(self._folder)
        parts = [part for part in PARTS if part in folders]
        if {"train", "test"} <= set(parts):
            return self._by_folder(parts)
        if parts and len(parts) == len(folders):
            raise DataError(
                f"{self._folder}: has a folder '{parts[0]}'; train and test are needed, or a folder for each class"
            )
        classes = _classes(self._folder)
        if len(classes) < 2:
            raise DataError(f"{self._folder}: one class only, '{next(iter(classes))}'; there is nothing to tell apart")
        listing: Listing = {"train": {}, "test": {}}
        for name, paths in classes.items():
            count = max(1, round((self.test_share or TEST_SHARE) * len(paths)))
            if count >= len(paths):
                raise DataError(
                    f"{self._folder}/{name}: too few pictures, {len(paths)}, to train on some and test on others"
                )
            for_tests = set(sorted(paths, key=_lot)[:count])
            listing["test"][name] = [path for path in paths if path in for_tests]
            listing["train"][name] = [path for path in paths if path not in for_tests]
        return listing

    def _by_folder(self, parts: list[str]) -> Listing:
        others = sorted(set(_folders(self._folder)) - set(parts))
        if others:
            raise DataError(f"{self._folder}/{others[0]}: is neither train, test nor val, so it would not be used")
        if self.test_share is not None:
            raise DataError(f"{self._folder}: has folders train and test; leave test_share out, or the folders")
        listing = {part: _classes(f"{self._folder}/{part}") for part in parts}
        train = listing["train"]
        if len(train) < 2:
            raise DataError(
                f"{self._folder}/train: one class only, '{next(iter(train))}'; there is nothing to tell apart"
            )
        for part, classes in listing.items():
            for name in sorted(set(classes) ^ set(train)):
                there, lacking = ("train", part) if name in train else (part, "train")
                raise DataError(f"{self._folder}/{lacking}: has no folder '{name}', which {there} has")
        return listing


def _lot(path: str) -> str:
    """What decides whether a picture is for the tests."""
    name = "/".join(Path(path).parts[-2:])
    return hashlib.sha256(f"{CUT_SEED}/{name}".encode()).hexdigest()


def _count(part: dict[str, list[str]]) -> int:
    return sum(map(len, part.values()))


def _folders(path: str) -> list[str]:
    """The names of the folders in a folder, but for hidden ones, in order.

    Raises:
        DataError: it cannot be read, or holds pictures beside the folders.
    """
    folders = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                elif entry.name.lower().endswith(pictures.SUFFIXES):
                    raise DataError(f"{path}: holds pictures beside folders; each goes into the folder of its class")
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}; a folder with a folder of pictures for each class is needed"
        ) from None
    return sorted(folders)


def _classes(path: str) -> dict[str, list[str]]:
    """The pictures of each class, in order.

    Raises:
        DataError: there are none, or something that would not be used, or a name that cannot be used.
    """
    names = _folders(path)
    if not names:
        raise DataError(f"{path}: holds no folders; there must be one for each class, with its pictures")
    return {name: _pictures(f"{path}/{name}") for name in names}


def _pictures(path: str) -> list[str]:
    found = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.name.lower().endswith(pictures.SUFFIXES) or not entry.is_file():
                expected = ", ".join(pictures.SUFFIXES)
                raise DataError(
                    f"{path}/{entry.name}: would not be used; a class's folder holds {expected} files alone"
                )
            if ODD.search(f"{path}/{entry.name}"):
                raise DataError(f"{path}/{entry.name!r}: rename it, without braces and invisible characters")
            found.append(f"{path}/{entry.name}")
    if not found:
        raise DataError(f"{path}: holds no pictures")
    return sorted(found)
