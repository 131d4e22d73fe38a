"""Where variance comes from: seeds, images, and what is left of both."""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike

from cnntention.reporting.statistics.samples import outcomes


@dataclasses.dataclass(frozen=True)
class Parts:
    """A variance in its parts.

    Attributes:
        seeds: between trainings, whatever the images: some seeds are better networks.
        images: between images, whatever the seed: some images are harder.
        residual: seeds and images together: other seeds get other images right.
    """

    seeds: float
    images: float
    residual: float


def components(right: ArrayLike) -> Parts:
    """Variance components of one outcome, one image seen by one seed: the two-way layout with random effects.

    Estimated by the method of moments, from the mean squares of the analysis of variance (Searle, Casella and McCulloch
    1992, section 4.7; one observation a cell). The estimates are unbiased but for this: one below zero counts as zero.

    Args:
        right: bool ``[seeds, images]``; or differences of two models, right minus right, from -1 to 1.

    Raises:
        StatisticsError: fewer than two seeds or two images.
    """
    table = outcomes(right, 2, "an analysis of variance")
    seeds, images = table.shape
    mean = table.mean()
    of_seeds = images * ((table.mean(axis=1) - mean) ** 2).sum()
    of_images = seeds * ((table.mean(axis=0) - mean) ** 2).sum()
    of_all = ((table - mean) ** 2).sum()
    residual = (of_all - of_seeds - of_images) / ((seeds - 1) * (images - 1))
    return Parts(
        seeds=max(0.0, float(of_seeds / (seeds - 1) - residual) / images),
        images=max(0.0, float(of_images / (images - 1) - residual) / seeds),
        residual=max(0.0, float(residual)),
    )


def shares(parts: Parts, seeds: int, images: int) -> Parts:
    """What part of the variance of a mean over seeds and images each component makes up; together 1.

    With ``seeds`` 1: of one run's accuracy. What runs differ by on one test set are then seeds and residual, and mostly
    residual: chance in which images are right, of which another test set would know nothing (Jordan 2023, arXiv
    2304.01910).

    Args:
        parts: see :func:`components`.
        seeds: over how many the mean is taken.
        images: likewise.

    Returns:
        Shares, NaN where nothing varies.
    """
    of_mean = np.array([parts.seeds / seeds, parts.images / images, parts.residual / (seeds * images)])
    total = of_mean.sum()
    return Parts(*(float(part / total) if total else math.nan for part in of_mean))
