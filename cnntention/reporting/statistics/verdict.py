"""Verdicts: in words what a comparison shows."""

import math


def verdict(difference: float, low: float, high: float) -> str:
    """In words what a difference with its interval over seeds shows; more is better.

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
