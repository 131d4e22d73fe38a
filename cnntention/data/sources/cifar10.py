"""CIFAR-10: 50,000 and 10,000 photographs of ten classes, 32x32 pixels (Krizhevsky 2009; paper, section 3.1)."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from cnntention.data import cifar
from cnntention.data.source import Known, Source, register


@register("cifar10")
@dataclasses.dataclass(frozen=True)
class CIFAR10(Source):
    """In torchvision's layout, ``cifar-10-batches-py/`` or the archive beside it, with its checksums and addresses."""

    mirrored = True
    origin = "cifar10 by torchvision"

    def known(self) -> Known:
        names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
        return Known({"train": 50_000, "test": 10_000}, (32, 32, 3), names)

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from torchvision import datasets  # seconds

        return cifar.load(datasets.CIFAR10, "labels", downloads, mirrors)
