"""MNIST: 60,000 and 10,000 handwritten digits, 28x28 pixels (LeCun et al. 1998; paper, section 3.2)."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from cnntention.data import idx
from cnntention.data.source import Known, Source, register


@register("mnist")
@dataclasses.dataclass(frozen=True)
class MNIST(Source):
    """In torchvision's layout, ``MNIST/raw/``, with its checksums and addresses."""

    mirrored = True
    origin = "mnist by torchvision"

    def known(self) -> Known:
        return Known({"train": 60_000, "test": 10_000}, (28, 28, 1), tuple("0123456789"))

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from torchvision import datasets  # seconds

        return idx.load(datasets.MNIST, downloads, mirrors)
