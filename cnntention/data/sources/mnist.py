"""MNIST: 60,000 and 10,000 handwritten digits, 28x28 pixels (LeCun et al. 1998; paper, section 3.2)."""

import dataclasses
import gzip
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnntention.data.download import Official, fetch
from cnntention.data.source import Known, Source, register

ARCHIVES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


@register("mnist")
@dataclasses.dataclass(frozen=True)
class MNIST(Source):
    """In torchvision's layout, ``MNIST/raw/``, with its checksums and addresses.

    Read from the four official archives alone: what torchvision unpacks beside them has no checksum.
    """

    mirrored = True
    origin = "mnist by torchvision"

    def known(self) -> Known:
        return Known({"train": 60_000, "test": 10_000}, (28, 28, 1), tuple("0123456789"))

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from torchvision.datasets import MNIST as OFFICIAL  # seconds

        folder = Path(downloads) / "MNIST" / "raw"
        md5 = dict(OFFICIAL.resources)
        files = {name: Official(folder / archive, md5[archive]) for name, archive in ARCHIVES.items()}
        fetch(list(files.values()), [*mirrors, *OFFICIAL.mirrors])
        arrays = {name: _array(gzip.decompress(file.read())) for name, file in files.items()}
        return {
            name: array[..., None] if name.startswith("x") else array.astype(np.int64) for name, array in arrays.items()
        }


def _array(idx: bytes) -> np.ndarray:
    """From the IDX format: two zeros, the type (8: unsigned bytes), the number of dimensions, each of them, pixels."""
    dimensions = idx[3]
    shape = np.frombuffer(idx, ">i4", dimensions, offset=4)
    return np.frombuffer(idx, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
