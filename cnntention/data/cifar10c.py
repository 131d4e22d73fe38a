"""The files of CIFAR-10-C: corrupted copies of CIFAR-10's test images (Hendrycks & Dietterich 2019).

A folder with ``labels.npy`` and an ``.npy`` for each corruption, uint8 ``[5 * N, H, W, C]``: all N test images in
order, in the first strength, then in the second, and so on. The files of another dataset in the same form will do. Of
its 19 corruptions four are meant for development, not for the mean that is published; they are left out.
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cnntention.base.errors import DataError
from cnntention.data.corruption import STRENGTHS
from cnntention.data.dataset import Part

LABELS = "labels"
EXTRA = ("gaussian_blur", "saturate", "spatter", "speckle_noise")
"""Hendrycks & Dietterich 2019, appendix B."""


class CorruptedFiles:
    """The corruptions in a folder.

    Args:
        folder: as above.
        test: the test images that they are made of, on any device.

    Attributes:
        names: of the corruptions, in alphabetical order.

    Raises:
        DataError: the folder or a file in it is missing, or is not made of these images.
    """

    def __init__(self, folder: str | os.PathLike, test: Part):
        self.folder = Path(folder)
        self.shape = (len(STRENGTHS) * len(test), *test.images.shape[1:])
        if not self.folder.is_dir():
            raise DataError(f"{folder}: no such folder; unpack CIFAR-10-C there, or take path away (path)")
        self.names = sorted(
            file.stem
            for file in self.folder.glob("*.npy")
            if file.stem not in (LABELS, *EXTRA) and not file.name.startswith(".")
        )
        if not self.names:
            raise DataError(f"{folder}: has no NAME.npy of a corruption (path)")
        labels = _open(self.folder / f"{LABELS}.npy")
        if not np.array_equal(labels, np.tile(test.labels.cpu().numpy(), len(STRENGTHS))):
            raise DataError(f"{self.folder / LABELS}.npy: not five times the labels of these test images, in order")
        for name in self.names:
            self._array(name)

    def images(self, name: str, indices: np.ndarray, strength: int) -> Tensor:
        """Some of the test images, corrupted: uint8 ``[N, H, W, C]``, on the CPU."""
        first = STRENGTHS.index(strength) * self.shape[0] // len(STRENGTHS)
        return torch.from_numpy(self._array(name)[first + indices])

    def _array(self, name: str) -> np.ndarray:
        path = self.folder / f"{name}.npy"
        array = _open(path)
        if array.dtype != np.uint8 or array.shape != self.shape:
            raise DataError(f"{path}: {array.dtype} {list(array.shape)}; uint8 {list(self.shape)} is needed")
        return array


def _open(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not an array of numpy's"
        raise DataError(f"{path}: {reason}") from None
