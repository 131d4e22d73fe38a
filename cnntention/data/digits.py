"""The 1,797 real handwritten digits, 8x8 pixels, that ship with scikit-learn: data without a network."""

import numpy as np

from cnntention.data.facts import TEST_IMAGES


def load() -> dict[str, np.ndarray]:
    """The UCI digits, split once and for all into 1,437 training and 360 test images with equal class shares.

    The split is random because the file is ordered by writer.

    Returns:
        ``x_train``, ``x_test`` uint8 ``[N, 8, 8, 1]``, ``y_train``, ``y_test`` int64 ``[N]``.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = np.round(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)  # 16 is the file's white
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels.astype(np.int64), test_size=TEST_IMAGES["digits"], random_state=0, stratify=labels
    )
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
