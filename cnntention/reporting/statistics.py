"""Statistics over seeds."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def mean_std(values: ArrayLike) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); the latter is NaN for a single value."""
    array = np.asarray(values, dtype=float)
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else math.nan


def paired_difference(values: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of ``values - reference`` with its Student-t confidence interval, for pairs that share a seed.

    Models of one seed start from the same trunk and see the same batches, so pairing takes out the variance that they
    share.

    Args:
        values: one value a seed, shape ``[n]``.
        reference: the reference's value for the same seeds, shape ``[n]``.
        confidence: of the interval.

    Returns:
        Mean, lower and upper end; the ends are NaN for fewer than two pairs.
    """
    differences = np.asarray(values, dtype=float) - np.asarray(reference, dtype=float)
    mean, std = mean_std(differences)
    pairs = len(differences)
    if pairs < 2:
        return mean, math.nan, math.nan
    half = stats.t.ppf((1 + confidence) / 2, pairs - 1) * std / math.sqrt(pairs)
    return mean, mean - half, mean + half


def verdict(difference: float, low: float, high: float) -> str:
    """In words what a difference with its interval shows, see :func:`paired_difference`; more is better.

    NaN says that a number is not there: all three without a pair, the ends with a single one.
    """
    if math.isnan(difference):
        return "not run yet"
    if math.isnan(low):
        return "one seed: nothing can be said"
    if low <= 0 <= high:
        return "no difference shown"
    if math.isclose(low, high, abs_tol=1e-9):
        # Few test images make this likely, and t would take it for certainty.
        return "the same difference with each seed: no spread to judge by"
    return "better" if low > 0 else "worse"


def images_difference(right: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Difference in accuracy of two classifiers on the same images, in percentage points, with its interval.

    The interval is that of Agresti and Min (2005, "Simple improved confidence intervals for comparing matched
    proportions"): the normal one after half an image is added to each cell of the two-by-two table. It speaks of other
    images of this kind and of these two trained networks, not of other trainings.

    Args:
        right: bool ``[n]``, which images were classified rightly.
        reference: the reference's, likewise.
        confidence: of the interval.

    Returns:
        Difference, lower and upper end.
    """
    ours, theirs = np.asarray(right, dtype=bool), np.asarray(reference, dtype=bool)
    images = len(ours) + 2
    gained, lost = (ours & ~theirs).sum() + 0.5, (~ours & theirs).sum() + 0.5
    centre = (gained - lost) / images
    half = stats.norm.ppf((1 + confidence) / 2) * math.sqrt((gained + lost) / images - centre**2) / math.sqrt(images)
    difference = 100 * float(ours.mean() - theirs.mean())
    return difference, 100 * (centre - half), 100 * (centre + half)
