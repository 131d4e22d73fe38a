"""The archives of MNIST, and of data made to take its place: four gzipped arrays in the IDX format."""

import gzip
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnntention.data.download import Official, fetch

ARCHIVES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


def load(
    official: Any,
    downloads: str | os.PathLike,
    mirrors: Sequence[str] = (),
    instead: Mapping[str, Official] | None = None,
) -> dict[str, np.ndarray]:
    """The images, from the four official archives alone: what torchvision unpacks beside them has no checksum.

    Args:
        official: torchvision's class, with its checksums and addresses; it gives the folder its name.
        downloads: the folder of downloads, in torchvision's layout.
        mirrors: addresses to try before the official ones.
        instead: other archives of the same arrays, by the keys of :data:`ARCHIVES`; they are read where all are whole.

    Returns:
        As :meth:`cnntention.data.source.Source.load`.

    Raises:
        DataError: the images cannot be obtained, or are damaged.
    """
    folder = Path(downloads) / official.__name__ / "raw"
    md5 = dict(official.resources)
    files: Mapping[str, Official] = {name: Official(folder / file, md5[file]) for name, file in ARCHIVES.items()}
    there = all(file.is_whole() for file in files.values())
    if not there and instead and all(file.is_whole() for file in instead.values()):
        files = instead
    else:
        fetch(list(files.values()), [*mirrors, *official.mirrors])
    arrays = {name: _array(gzip.decompress(file.read())) for name, file in files.items()}
    return {
        name: array[..., None] if name.startswith("x") else array.astype(np.int64) for name, array in arrays.items()
    }


def _array(idx: bytes) -> np.ndarray:
    """From the IDX format: two zeros, the type (8: unsigned bytes), the number of dimensions, each of them, pixels."""
    dimensions = idx[3]
    shape = np.frombuffer(idx, ">i4", dimensions, offset=4)
    return np.frombuffer(idx, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
