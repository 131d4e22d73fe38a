"""How many seeds it takes to show a difference, or that there is none, and what the seeds at hand can show."""

import math
from collections.abc import Callable

import numpy as np

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.samples import enough

MOST_SEEDS = 1_000_000
_STEPS = 2000


def power(difference: float, spread: float, seeds: int, level: float = 0.05) -> float:
    """Probability that the two-sided paired t-test shows a difference, by the noncentral t distribution.

    Args:
        difference: the true one.
        spread: standard deviation of the paired differences from seed to seed. Of two uncorrelated models with a
            spread of s each it is sqrt(2) s.
        seeds: how many pairs.
        level: of the test.

    Raises:
        StatisticsError: fewer than two seeds, or a difference or spread that is not above 0.
    """
    from statsmodels.stats.power import ttest_power

    enough(seeds, 2, "a power")
    found = float(ttest_power(_effect(difference, spread), seeds, level))
    return _averaged_power(_effect(difference, spread), seeds, level) if math.isnan(found) else found


def _averaged_power(effect: float, seeds: int, level: float) -> float:
    """The same, averaged over the spread that the seeds happen to have: the noncentral t of scipy is NaN for some."""
    from scipy import stats

    freedom = seeds - 1
    found = np.sqrt(stats.chi2.ppf((np.arange(_STEPS) + 0.5) / _STEPS, freedom) / freedom)
    least, centre = stats.t.isf(level / 2, freedom) * found, math.sqrt(seeds) * effect
    return float((stats.norm.sf(least - centre) + stats.norm.sf(least + centre)).mean())


def power_to_liken(difference: float, spread: float, within: float, seeds: int, level: float = 0.05) -> float:
    """Probability that two one-sided tests show two models to be alike, see :mod:`.equivalence`.

    The mean lies between the bounds less t standard errors, averaged over the spread that the seeds happen to have.

    Args:
        difference: the true one.
        spread: standard deviation of the paired differences, see :func:`power`.
        within: differences between minus this and this count as none.
        seeds: how many pairs.
        level: of each test.

    Raises:
        StatisticsError: fewer than two seeds, or a difference, spread or bound that is not above 0.
    """
    from scipy import stats

    enough(seeds, 2, "a power")
    if not within > 0:
        raise StatisticsError(f"a test of equivalence needs bounds above 0, not {within:g}")
    shift, bound = math.copysign(_effect(difference, spread), difference), within / spread
    freedom = seeds - 1
    found = np.sqrt(stats.chi2.ppf((np.arange(_STEPS) + 0.5) / _STEPS, freedom) / freedom)
    room = math.sqrt(seeds) * bound - stats.t.isf(level, freedom) * found
    centre = math.sqrt(seeds) * shift
    inside = stats.norm.cdf(room - centre) - stats.norm.cdf(-room - centre)
    return float(np.where(room > 0, inside, 0).mean())


def seeds_needed(difference: float, spread: float, target: float = 0.8, level: float = 0.05) -> int | None:
    """The fewest seeds with which the two-sided paired t-test shows a difference with the power ``target``.

    Args:
        difference: the true one.
        spread: standard deviation of the paired differences, see :func:`power`.
        target: probability of showing it.
        level: of the test.

    Returns:
        Seeds, two or more; None if a million are not enough.

    Raises:
        StatisticsError: a difference or spread that is not above 0.
    """
    return _fewest(lambda seeds: power(difference, spread, seeds, level), target)


def seeds_needed_to_liken(
    difference: float, spread: float, within: float, target: float = 0.8, level: float = 0.05
) -> int | None:
    """The fewest seeds with which :func:`power_to_liken` reaches ``target``; None if a million are not enough."""
    return _fewest(lambda seeds: power_to_liken(difference, spread, within, seeds, level), target)


def _fewest(power_of: Callable[[int], float], target: float) -> int | None:
    """The fewest seeds that have a power, which grows with them."""
    if power_of(MOST_SEEDS) < target:
        return None
    # Double them, then halve the step.
    sufficient = 2
    while power_of(sufficient) < target:
        sufficient *= 2
    too_few = sufficient // 2
    while sufficient - too_few > 1:
        middle = (sufficient + too_few) // 2
        if power_of(middle) < target:
            too_few = middle
        else:
            sufficient = middle
    return sufficient


def _effect(difference: float, spread: float) -> float:
    """Cohen's d of paired differences. Past 100 any number of seeds shows it, and the noncentral t has no digits."""
    if not (math.isfinite(difference) and math.isfinite(spread) and spread > 0):
        raise StatisticsError(
            f"a power needs a difference and a spread above 0, not {difference:g} and {spread:g}: "
            "two seeds or more that differ"
        )
    return min(100.0, abs(difference) / spread)
