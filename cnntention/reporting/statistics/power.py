"""How many seeds show a difference, and what those that there are can show: the paired t-test's power."""

import math

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.samples import enough

MOST_SEEDS = 1_000_000


def power(difference: float, spread: float, seeds: int, level: float = 0.05) -> float:
    """Probability that the two-sided paired t-test shows a difference, by the noncentral t distribution.

    Args:
        difference: the true one.
        spread: standard deviation of the paired differences from seed to seed. Of two uncorrelated models with a
            spread of s each it is sqrt(2) s.
        seeds: how many pairs.
        level: of the test.

    Raises:
        StatisticsError: fewer than two seeds, or a difference or spread that is none.
    """
    from statsmodels.stats.power import ttest_power

    enough(seeds, 2, "a power")
    return float(ttest_power(_effect(difference, spread), seeds, level))


def seeds_needed(difference: float, spread: float, target: float = 0.8, level: float = 0.05) -> int | None:
    """The fewest seeds with which the two-sided paired t-test shows a difference with the power ``target``.

    Args:
        difference: the true one.
        spread: standard deviation of the paired differences, see :func:`power`.
        target: probability of showing it.
        level: of the test.

    Returns:
        Seeds, two or more; None where a million would not do.

    Raises:
        StatisticsError: a difference or spread that is none.
    """
    if power(difference, spread, MOST_SEEDS, level) < target:
        return None
    # More seeds, more power: double them, then halve the step.
    enough_seeds = 2
    while power(difference, spread, enough_seeds, level) < target:
        enough_seeds *= 2
    too_few = enough_seeds // 2
    while enough_seeds - too_few > 1:
        middle = (enough_seeds + too_few) // 2
        if power(difference, spread, middle, level) < target:
            too_few = middle
        else:
            enough_seeds = middle
    return enough_seeds


def _effect(difference: float, spread: float) -> float:
    """Cohen's d of paired differences. Past 100 any number of seeds shows it, and the noncentral t has no digits."""
    if not (math.isfinite(difference) and math.isfinite(spread) and spread > 0):
        raise StatisticsError(
            f"a power needs a difference and a spread above 0, not {difference:g} and {spread:g}: "
            "two seeds or more that differ"
        )
    return min(100.0, abs(difference) / spread)
