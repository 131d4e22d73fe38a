"""Over seeds and images together: intervals that are about other trainings and other images."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnntention.reporting.statistics.samples import outcome_differences, outcomes
from cnntention.reporting.statistics.variance import components

DRAWS = 2000


def crossed_mean(right: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Accuracy in percent with its crossed bootstrap interval, over the seeds and images from which these were drawn.

    Args:
        right: bool ``[seeds, images]``, every seed on the same images.
        confidence: of the interval.

    Returns:
        Mean, lower and upper end, see :func:`_interval`.

    Raises:
        StatisticsError: fewer than two seeds or images, or no outcomes.
    """
    return _interval(outcomes(right, 2, "an interval over seeds and images"), confidence)


def crossed_difference(right: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Difference in accuracy, in percentage points, with its paired, crossed bootstrap interval.

    Args:
        right: bool ``[seeds, images]``.
        reference: the reference's, of the same seeds and images.
        confidence: of the interval.

    Returns:
        Mean, lower and upper end, see :func:`_interval`.

    Raises:
        StatisticsError: the two do not fit, or there are fewer than two seeds or images.
    """
    return _interval(outcome_differences(right, reference, 2, "an interval over seeds and images"), confidence)


def _interval(table: NDArray[np.int8], confidence: float) -> tuple[float, float, float]:
    """Mean of outcomes ``[seeds, images]`` with the interval of a crossed bootstrap, in points.

    The plain crossed bootstrap resamples rows and columns independently (Owen 2007, "The pigeonhole bootstrap"). Its
    variance has the residual three times and the seeds' part (n - 1)/n times, and its quantiles are the normal ones at
    best. So with many images and few seeds it is wrong both ways: of nominal 95% it covers 88% where seeds dominate and
    nearly 100% where the residual does. Here the two directions are drawn apart and added:

    - Images are resampled with replacement, and the deviation of their mean is scaled to the variance component of
      images, which leaves the residual out.
    - Seeds, of which three have but ten different resamples, are drawn from a normal distribution and studentised (the
      parametric bootstrap-t): their deviation is Student's t with n - 1 degrees of freedom times the standard error
      over seeds, which holds seeds' and residual variance at once. The draws are t's quantiles, without chance.

    For seeds alone this is the paired t interval, for images alone the bootstrap's. Between them it is that of Behrens
    and Fisher, too wide for three seeds (97.6%), where Student's with Satterthwaite's degrees of freedom is too narrow
    (92.2%, both for normal data, at worst). The ends are the mean of both, which covers 94.1 to 96.6% with three seeds,
    whatever dominates, and is nearer to 95% with more; tests simulate it on outcomes. Where all seeds have the same
    mean it knows nothing of seeds, and is over images alone. The same data give the same interval.
    """
    from scipy import stats

    seeds, images = table.shape
    mean = float(table.mean())
    seeds_error = float(table.mean(axis=1).std(ddof=1)) / math.sqrt(seeds)
    images_error = math.sqrt(components(table).images / images)
    error = math.hypot(seeds_error, images_error)
    if not error:
        return 100 * mean, 100 * mean, 100 * mean

    tails = (1 - confidence) / 2, (1 + confidence) / 2
    of_seeds = seeds_error * stats.t.ppf((np.arange(DRAWS) + 0.5) / DRAWS, seeds - 1)
    drawn = np.quantile(of_seeds + _image_draws(table, images_error), tails)
    freedom = (seeds - 1) * (error / seeds_error) ** 4 if seeds_error else math.inf
    low, high = (drawn + error * stats.t.ppf(tails, freedom)) / 2
    return 100 * mean, 100 * (mean + float(low)), 100 * (mean + float(high))


def _image_draws(table: NDArray[np.int8], error: float) -> NDArray[np.float64]:
    """Deviations of the mean over resampled images, scaled to a standard error."""
    if not error:
        return np.zeros(DRAWS)
    images = table.shape[1]
    # Images that as many seeds have right are alike here, so that a resample is a handful of counts.
    sums, counts = np.unique(table.sum(axis=0, dtype=int), return_counts=True)
    deviations = sums - (counts @ sums) / images
    draws = np.random.default_rng(0).multinomial(images, counts / images, size=DRAWS) @ deviations
    return draws * (error / math.sqrt(counts @ deviations**2))
