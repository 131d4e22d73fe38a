"""Fashion-MNIST: 60,000 and 10,000 pictures of ten kinds of clothing, 28x28 pixels (Xiao et al. 2017)."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnntention.data import idx
from cnntention.data.download import Official
from cnntention.data.source import Known, Source, register

PACKAGE = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's and Ubuntu's package ``dataset-fashion-mnist`` puts the same arrays, compressed anew."""

PACKAGED = {
    "x_train": "cf8536b0aa1a6ac5fa3f23001093305c",
    "x_test": "f78720b4224f21cce2f2ccf2d7a94c9a",
    "y_train": "10bea18fdb374794d4bb42e356e600c9",
    "y_test": "0d30e22e447f3c33dab9ed536400ac01",
}
"""MD5 of the package's archives, version 0.0~git20200523.55506a9-1."""


@register("fashion-mnist")
@dataclasses.dataclass(frozen=True)
class FashionMNIST(Source):
    """In torchvision's layout, ``FashionMNIST/raw/``, with its checksums and addresses; or from Debian's package."""

    mirrored = True
    origin = "fashion-mnist by torchvision"

    def known(self) -> Known:
        names = (
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        )  # fmt: skip
        return Known({"train": 60_000, "test": 10_000}, (28, 28, 1), names)

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from torchvision import datasets  # seconds

        packaged = {name: Official(PACKAGE / idx.ARCHIVES[name], md5) for name, md5 in PACKAGED.items()}
        return idx.load(datasets.FashionMNIST, downloads, mirrors, packaged)
