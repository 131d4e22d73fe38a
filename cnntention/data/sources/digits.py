"""The 1,797 real handwritten digits, 8x8 pixels, that ship with scikit-learn: data without a network."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from cnntention.data.source import Known, Source, register


@register("digits")
@dataclasses.dataclass(frozen=True)
class Digits(Source):
    """The UCI digits, split once and for all into 1,437 training and 360 test images with equal class shares.

    The split is random because the file is ordered by writer.
    """

    origin = "scikit-learn's digits (UCI, 8x8)"

    def known(self) -> Known:
        return Known({"train": 1437, "test": 360}, (8, 8, 1), tuple("0123456789"))

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        images = np.round(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)  # 16 is the file's white
        x_train, x_test, y_train, y_test = train_test_split(
            images, labels.astype(np.int64), test_size=self.known().images["test"], random_state=0, stratify=labels
        )
        return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
