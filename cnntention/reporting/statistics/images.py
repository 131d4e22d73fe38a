"""Over images: what two networks that classified the same images differ by."""

import math

import numpy as np
from numpy.typing import ArrayLike


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
    from scipy import stats

    ours, theirs = np.asarray(right, dtype=bool), np.asarray(reference, dtype=bool)
    images = len(ours) + 2
    gained, lost = (ours & ~theirs).sum() + 0.5, (~ours & theirs).sum() + 0.5
    centre = (gained - lost) / images
    half = stats.norm.ppf((1 + confidence) / 2) * math.sqrt((gained + lost) / images - centre**2) / math.sqrt(images)
    difference = 100 * float(ours.mean() - theirs.mean())
    return difference, 100 * (centre - half), 100 * (centre + half)
