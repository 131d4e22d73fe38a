"""Statistics over seeds."""

import math

import numpy as np
from scipy import stats


def mean_std(values) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); the latter is NaN for a single value."""
    values = np.asarray(values, dtype=float)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else math.nan


def paired_difference(values, reference, confidence: float = 0.95) -> tuple[float, float, float]:
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
    mean, std = mean_std(np.asarray(values, dtype=float) - np.asarray(reference, dtype=float))
    pairs = len(values)
    if pairs < 2:
        return mean, math.nan, math.nan
    half = stats.t.ppf((1 + confidence) / 2, pairs - 1) * std / math.sqrt(pairs)
    return mean, mean - half, mean + half
