"""What statistics are made of: values of seeds, outcomes of images; refused if they do not fit each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnntention.base.errors import StatisticsError


def pairs(values: ArrayLike, reference: ArrayLike, least: int, purpose: str) -> NDArray[np.float64]:
    """Both models' values of shared seeds, one row a model, shape ``[2, n]``.

    Args:
        values: one value per seed, shape ``[n]``.
        reference: the reference's value for the same seeds, shape ``[n]``.
        least: the fewest seeds that will do.
        purpose: what for, as the subject of a message.

    Raises:
        StatisticsError: other lengths, fewer seeds than ``least``, or a value that is not a finite number.
    """
    ours, theirs = np.asarray(values, dtype=float), np.asarray(reference, dtype=float)
    if ours.ndim != 1 or ours.shape != theirs.shape:
        raise StatisticsError(
            f"{purpose} needs one value per seed of each model, but the shapes are {ours.shape} and {theirs.shape}: "
            "compare the seeds that both have"
        )
    enough(len(ours), least, purpose)
    both = np.stack([ours, theirs])
    if not np.isfinite(both).all():
        raise StatisticsError(f"{purpose} needs finite values, seed number {_first_odd(both.T)} has none")
    return both


def outcomes(right: ArrayLike, least: int, purpose: str) -> NDArray[np.int8]:
    """What is compared of each seed and image as small whole numbers, shape ``[seeds, images]``.

    Args:
        right: bool, or whole numbers from -1 to 1.
        least: the fewest seeds that will do.
        purpose: what for, as the subject of a message.

    Raises:
        StatisticsError: another shape, fewer seeds than ``least``, fewer than 2 images, or NaN.
    """
    table = np.asarray(right)
    if table.ndim != 2 or table.shape[1] < 2:
        raise StatisticsError(f"{purpose} needs outcomes [seeds, images] of 2 images or more, not {table.shape}")
    enough(len(table), least, purpose)
    if table.dtype != bool and not np.isin(table, (-1, 0, 1)).all():
        raise StatisticsError(f"{purpose} needs outcomes that are right or wrong, or differences of two such")
    return table.astype(np.int8)


def outcome_differences(right: ArrayLike, reference: ArrayLike, least: int, purpose: str) -> NDArray[np.int8]:
    """Right minus right of the reference: 1 gained, -1 lost, 0 the same; shape ``[seeds, images]``.

    Args:
        right: bool ``[seeds, images]``.
        reference: the same seeds and images of the reference.
        least: the fewest seeds that will do.
        purpose: what for, as the subject of a message.

    Raises:
        StatisticsError: the two do not fit, or see :func:`outcomes`.
    """
    if np.shape(right) != np.shape(reference):
        raise StatisticsError(
            f"{purpose} needs the same seeds and images of both models, but [seeds, images] are {np.shape(right)} and "
            f"{np.shape(reference)}: evaluate both on one split and compare the seeds that both have"
        )
    return outcomes(right, least, purpose) - outcomes(reference, least, purpose)


def of_same_images(right: Sequence[ArrayLike], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which images each run classified correctly, bool ``[runs, images]``.

    Args:
        right: bool ``[images]`` for each run.
        names: of the runs, for messages.

    Raises:
        StatisticsError: a run that was judged on another number of images than the first.
    """
    for name, of_run in zip(names, right, strict=True):
        if np.shape(of_run) != np.shape(right[0]):
            raise StatisticsError(f"{name}: evaluated on other images than {names[0]}; evaluate both on one split")
    return np.array(right, dtype=bool)


def enough(seeds: int, least: int, purpose: str) -> None:
    """Refuse too few seeds.

    Raises:
        StatisticsError: fewer than ``least``.
    """
    if seeds < least:
        raise StatisticsError(f"{purpose} needs {least} seeds or more, here {'is' if seeds == 1 else 'are'} {seeds}")


def without_spread(differences: NDArray[np.float64]) -> bool:
    """Whether all are the same: few test images make this likely, and t would take it for certainty."""
    return bool(np.ptp(differences) <= 1e-9 * max(1.0, float(np.abs(differences).max())))


def _first_odd(by_seed: NDArray[np.float64]) -> int:
    return int(np.flatnonzero(~np.isfinite(by_seed).all(axis=1))[0]) + 1
