"""The two splits of a dataset: which images a run is trained on, and which it is judged on.

``full``: trained on all training images and judged on the test images, after each epoch and at the end.
``tune``: trained without the validation images and judged on those, for choices that must not see the test images.
"""

import numpy as np

SPLIT_SEED = 0
"""Of the cut between training and validation images; the same for every model and seed, so that runs are paired."""

JUDGED_BY = {"full": "test", "tune": "validation"}
"""The part of the images, by split."""


def judging_part(split: str) -> str:
    """``test`` or ``validation``: the part on whose images a run of this split is judged."""
    return JUDGED_BY[split]


def judged_error(split: str) -> str:
    """The column of a history with the error on the images that a run of this split is judged on."""
    return f"{judging_part(split)}_error"


def parts_with_curves(split: str) -> tuple[str, str]:
    """The parts whose losses and errors are in a history of this split."""
    return "train", judging_part(split)


def validation_images(split: str, available: int) -> int:
    """How many training images a run of this split holds out, of those that its dataset sets aside for validation."""
    return available if judging_part(split) == "validation" else 0


def cut(images: int, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of the training images are held out for validation and which are kept: indices, each in order."""
    order = np.random.default_rng(SPLIT_SEED).permutation(images)
    return np.sort(order[:held_out]), np.sort(order[held_out:])
