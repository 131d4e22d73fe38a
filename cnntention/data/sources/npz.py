"""The user's own images in an .npz, or a copy of a dataset for a machine without a network."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from cnntention.base.errors import DataError
from cnntention.base.files import sha256
from cnntention.data import npz
from cnntention.data.source import PATH, Known, Source, register


@register("npz")
@dataclasses.dataclass(frozen=True)
class Npz(Source):
    """A file as :mod:`cnntention.data.npz` describes it.

    Attributes:
        path: of the file.
        sha256: of the file, in hexadecimal; None: it is taken as it is.
        class_names: in the order of the labels; None: their numbers.
    """

    path: str = dataclasses.field(metadata=PATH)
    sha256: str | None = dataclasses.field(
        default=None,
        metadata={
            "$ref": "#/$defs/sha256",
            "description": "of the file, in hexadecimal; without it, the file is taken as it is",
        },
    )
    class_names: tuple[str, ...] | None = dataclasses.field(
        default=None,
        metadata={
            "type": "array",
            "minItems": 2,
            "uniqueItems": True,
            "items": {"$ref": "#/$defs/text"},
            "description": "in the order of the labels; without it, the labels themselves",
        },
    )

    @property
    def origin(self) -> str:
        return self.path

    @property
    def files(self) -> tuple[str, ...]:
        return (self.path,)

    def known(self) -> Known:
        shapes = npz.shapes(self.path)
        _, height, width, channels = (*shapes["x_train"], 1)[:4]  # grey images may come without an axis of channels
        images = {part: shapes[f"x_{part}"][0] for part in ("train", "test")}
        others = npz.others(self.path)
        remarks = (f"{self.path}: not read: {', '.join(others)}",) if others else ()
        return Known(images, (height, width, channels), self.class_names, remarks)

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        if self.sha256 and sha256(self.path) != self.sha256:
            raise DataError(f"{self.path}: its SHA-256 is {sha256(self.path)}, the config expects {self.sha256}")
        return npz.read(self.path)
