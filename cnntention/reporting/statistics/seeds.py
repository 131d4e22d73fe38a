"""Over seeds: mean and spread, and what two models that share seeds differ by."""

import math

import numpy as np
from numpy.typing import ArrayLike


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
    from scipy import stats  # not with the module: a dry run imports the tables

    half = stats.t.ppf((1 + confidence) / 2, pairs - 1) * std / math.sqrt(pairs)
    return mean, mean - half, mean + half
