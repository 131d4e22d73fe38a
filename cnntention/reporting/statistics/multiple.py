"""Several comparisons in one table: p-values that allow for it."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm (1979): under 0.05 each, at most one table in twenty has a false one among them.

    Args:
        p_values: of a table's comparisons; NaN for one that was not tested, which then does not count.

    Returns:
        Adjusted values in the same order, NaN where the given one is.
    """
    from statsmodels.stats import multitest

    given = np.asarray(p_values, dtype=float)
    tested = ~np.isnan(given)
    adjusted = np.full(given.shape, np.nan)
    if tested.any():
        adjusted[tested] = multitest.multipletests(given[tested], method="holm")[1]
    return adjusted.tolist()
