"""The two splits of a dataset: which images a run is trained on, and which it is judged by.

``full``: trained on all training images and judged by the test images, in the end and after each epoch.
``tune``: trained without the validation images and judged by those, for choices that must not see the test images.
"""

JUDGED_BY = {"full": "test", "tune": "validation"}
"""The part of the images, by split."""


def judging_part(split: str) -> str:
    """``test`` or ``validation``: the part by whose images a run of this split is judged."""
    return JUDGED_BY[split]


def judged_error(split: str) -> str:
    """The column of a history with the error on the images that a run of this split is judged by."""
    return f"{judging_part(split)}_error"


def parts_with_curves(split: str) -> tuple[str, str]:
    """The parts of which a history of this split has losses and errors."""
    return "train", judging_part(split)


def validation_images(split: str, available: int) -> int:
    """How many training images a run of this split holds out, of those that its dataset sets aside for validation."""
    return available if judging_part(split) == "validation" else 0
