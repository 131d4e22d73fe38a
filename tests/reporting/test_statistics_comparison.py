"""Comparisons of one table: what each shows, and the seeds that would settle it, by statsmodels and by simulation."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from cnntention.reporting.statistics.comparison import compare, judge
from cnntention.reporting.statistics.verdict import Verdict

BASE = [90.0, 91, 92, 93, 94]


def exact(effect: float, level: float = 0.05) -> int:
    """Seeds for 80% power, by statsmodels."""
    return math.ceil(TTestPower().solve_power(effect, power=0.8, alpha=level))


def test_the_parts_of_a_comparison():
    """Differences 2, 1, 2: mean 1.667, standard deviation sqrt(1/3), half the interval 4.3027 sqrt(1/3) / sqrt(3)."""
    found = compare([92, 92, 94], [90, 91, 92], claimed=0.5)
    assert (found.seeds, found.claimed, found.untestable) == (3, 0.5, "")
    assert (found.difference, found.spread) == pytest.approx((5 / 3, math.sqrt(1 / 3)))
    assert (found.low, found.high) == pytest.approx((5 / 3 - 1.4342, 5 / 3 + 1.4342), abs=1e-4)


@pytest.mark.parametrize(
    ("values", "reference", "why"),
    [([], [], "not run yet"), ([90], [91], "one seed"), ([92.1, 93.1], [92, 93], "the same difference with each seed")],
)
def test_what_cannot_be_tested_says_why_and_knows_no_seeds(values, reference, why):
    comparison = compare(values, reference, claimed=0.5)
    (found,) = judge([comparison])
    assert (comparison.untestable, found.verdict) == (why, Verdict.NOT_TESTABLE)
    assert (found.for_claimed, found.for_found, found.words) == (None, None, "not testable here")
    assert math.isnan(found.power)


def test_seeds_and_power_are_those_of_statsmodels_at_the_level_that_the_tests_share():
    values = np.add(BASE, [0.2, -0.1, 0.5, 0.3, -0.4])
    comparison = compare(values, BASE, claimed=0.3)
    for tests in (1, 4):
        found = judge([comparison] * tests)[0]
        level = 0.05 / tests
        assert found.for_claimed == exact(0.3 / comparison.spread, level)
        assert found.for_found == exact(0.1 / comparison.spread, level)
        assert found.power == pytest.approx(TTestPower().power(0.3 / comparison.spread, 5, level))
        assert found.words == f"inconclusive ({found.for_claimed} seeds needed)"


def test_where_the_claimed_difference_would_show_already_the_found_one_says_how_many():
    values = np.add(BASE, [0.2, -0.1, 0.5, 0.3, -0.4])
    comparison = compare(values, BASE, claimed=3.0)
    (found,) = judge([comparison])
    assert found.for_claimed < 5
    assert found.needed == found.for_found == exact(0.1 / comparison.spread)


def test_beyond_the_bounds_seeds_are_those_that_show_it_to_be_there():
    """0.5 points where 0.2 are allowed: as far from the bound as a lead of 0.3 from zero."""
    values = np.add(BASE, [0.6, 0.1, 0.9, 0.5, 0.4])
    comparison = compare(values, BASE, claimed=0.1, within=0.2)
    (found,) = judge([comparison])
    assert found.for_found == exact(0.3 / comparison.spread)
    alike = simulated_power(0.1, comparison.spread, 0.2, found.for_claimed)
    assert alike == pytest.approx(0.8, abs=0.03)


def simulated_power(difference: float, spread: float, within: float, seeds: int) -> float:
    """How often the 90% interval lies within the bounds."""
    from scipy import stats

    draws = np.random.default_rng(0).normal(difference, spread, (4000, seeds))
    half = stats.t.ppf(0.95, seeds - 1) * draws.std(axis=1, ddof=1) / math.sqrt(seeds)
    return float((np.abs(draws.mean(axis=1)) + half <= within).mean())
