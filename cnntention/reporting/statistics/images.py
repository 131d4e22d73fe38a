"""Over images: the difference between two networks that classified the same images."""

import math

import numpy as np
from numpy.typing import ArrayLike

from cnntention.reporting.statistics.samples import outcome_differences


def images_difference(right: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Difference in accuracy of two classifiers on the same images, in percentage points, with its interval.

    The interval is that of Agresti and Min (2005, "Simple improved confidence intervals for comparing matched
    proportions"): the normal one after half an image is added to each cell of the two-by-two table. It is about other
    images of this kind and these two trained networks, not about other trainings.

    Args:
        right: bool ``[n]``, which images were classified correctly.
        reference: the reference's, likewise.
        confidence: of the interval.

    Returns:
        Difference, lower and upper end.
    """
    from scipy import stats

    ours, theirs = np.asarray(right, dtype=bool), np.asarray(reference, dtype=bool)
    images = len(ours) + 2
    gained, lost = (ours & ~theirs).sum() + 0.5, (~ours & theirs).sum() + 0.5
    centre = (gained - lost) / images
    half = stats.norm.ppf((1 + confidence) / 2) * math.sqrt((gained + lost) / images - centre**2) / math.sqrt(images)
    difference = 100 * float(ours.mean() - theirs.mean())
    return difference, 100 * (centre - half), 100 * (centre + half)


def mcnemar(right: ArrayLike, reference: ArrayLike) -> float:
    """p-value of McNemar's exact test: whether two networks are right on the same images equally often.

    Like :func:`images_difference` it is about these two networks, not about other trainings of the same models.

    Args:
        right: bool ``[n]``, which images were classified correctly.
        reference: the reference's, likewise.

    Raises:
        StatisticsError: the two are not of the same images.
    """
    from statsmodels.stats import contingency_tables

    difference = outcome_differences(np.atleast_2d(right), np.atleast_2d(reference), 1, "McNemar's test")
    # Images on which both are right, or both wrong, do not count.
    cells = [[0, int((difference == 1).sum())], [int((difference == -1).sum()), 0]]
    return float(contingency_tables.mcnemar(cells, exact=True).pvalue)
