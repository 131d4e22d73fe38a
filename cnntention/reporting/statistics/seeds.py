"""Over seeds: mean and spread, and the difference between two models that share seeds."""

import math

import numpy as np
from numpy.typing import ArrayLike

from cnntention.reporting.statistics.samples import pairs, without_spread


def mean_std(values: ArrayLike) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); the latter is NaN for a single value."""
    array = np.asarray(values, dtype=float)
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else math.nan


def paired_difference(values: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of ``values - reference`` with its Student-t confidence interval, for pairs that share a seed.

    Models of one seed start from the same trunk and see the same batches, so pairing takes out the variance that they
    share.

    Args:
        values: one value per seed, shape ``[n]``.
        reference: the reference's value for the same seeds, shape ``[n]``.
        confidence: of the interval.

    Returns:
        Mean, lower and upper end; the ends are NaN for fewer than two pairs, and where all differ by the same, as then
        nothing is known of the spread.
    """
    differences = np.asarray(values, dtype=float) - np.asarray(reference, dtype=float)
    mean, std = mean_std(differences)
    count = len(differences)
    if count < 2 or without_spread(differences):
        return mean, math.nan, math.nan
    from scipy import stats  # not with the module: a dry run imports the tables

    half = stats.t.ppf((1 + confidence) / 2, count - 1) * std / math.sqrt(count)
    return mean, mean - half, mean + half


def paired_test(values: ArrayLike, reference: ArrayLike) -> float:
    """p-value of the two-sided paired t-test over seeds; NaN where the difference has no spread to judge by.

    Args:
        values: one value per seed, shape ``[n]``.
        reference: the reference's value for the same seeds, shape ``[n]``.

    Raises:
        StatisticsError: fewer than two seeds, or values that do not fit.
    """
    from scipy import stats

    ours, theirs = pairs(values, reference, 2, "a paired t-test")
    return math.nan if without_spread(ours - theirs) else float(stats.ttest_rel(ours, theirs).pvalue)


def correlation(values: ArrayLike, reference: ArrayLike) -> tuple[float, float, float]:
    """Pearson's correlation of two models over the seeds that they share, with its 95% interval (Fisher's z).

    It says whether pairing helps: the variance of a difference is that of unpaired runs less twice the covariance.

    Args:
        values: one value per seed, shape ``[n]``.
        reference: the reference's value for the same seeds, shape ``[n]``.

    Returns:
        Correlation, lower and upper end: NaN where a model has no spread. Three seeds leave the ends at -1 and 1.

    Raises:
        StatisticsError: fewer than three seeds, or values that do not fit.
    """
    from scipy import stats

    ours, theirs = pairs(values, reference, 3, "a correlation")
    if without_spread(ours) or without_spread(theirs):
        return math.nan, math.nan, math.nan
    found = stats.pearsonr(ours, theirs)
    low, high = found.confidence_interval()
    return float(found.statistic), float(low), float(high)
