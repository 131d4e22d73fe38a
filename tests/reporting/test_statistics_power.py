"""Power and seeds needed, against published numbers, scipy's noncentral t and simulation."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.equivalence import equivalence
from cnntention.reporting.statistics.power import power, power_to_liken, seeds_needed, seeds_needed_to_liken


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_pairs_that_textbooks_give_for_small_medium_and_large_effects(effect, pairs):
    """Two-sided, level 0.05, power 0.8: Cohen's d of paired differences (Faul et al. 2007, G*Power)."""
    assert seeds_needed(effect, 1) == pairs


@pytest.mark.parametrize("effect", [0.1, 0.36 / 0.25, 1.0, 3.0])
@pytest.mark.parametrize("target", [0.8, 0.9])
def test_seeds_needed_are_statsmodels_rounded_up(effect, target):
    exact = TTestPower().solve_power(effect_size=effect, power=target, alpha=0.05)
    assert seeds_needed(effect * 0.3, 0.3, target) == math.ceil(exact)


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("effect", [-2.0, 0.0, 0.5, 1.5])
def test_power_is_the_noncentral_t_beyond_both_limits(seeds, effect):
    limit, shift = stats.t.ppf(0.975, seeds - 1), effect * math.sqrt(seeds)
    beyond = stats.nct.sf(limit, seeds - 1, abs(shift)) + stats.nct.cdf(-limit, seeds - 1, abs(shift))
    assert power(effect, 1, seeds) == pytest.approx(beyond, rel=1e-6)


@pytest.mark.parametrize(("spread", "chance"), [(0.16, 0.34), (0.25, 0.18)])
def test_three_seeds_show_the_papers_difference_once_in_three_to_five_times(spread, chance):
    """0.36 points between models that vary by 0.16 to 0.25 each."""
    assert power(0.36, math.sqrt(2) * spread, 3) == pytest.approx(chance, abs=0.005)


def test_power_is_how_often_the_test_shows_the_difference():
    draws = np.random.default_rng(6).normal(0.5, 0.4, (4000, 5))
    shown = (stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean()
    # five standard errors of a proportion near a half over 4,000
    assert power(0.5, 0.4, 5) == pytest.approx(shown, abs=0.04)


@pytest.mark.parametrize(("difference", "spread"), [(5.0, 0.001), (-5.0, 0.001), (1e6, 1e-6)])
def test_two_seeds_show_what_is_plain(difference, spread):
    assert seeds_needed(difference, spread) == 2
    assert power(difference, spread, 2) == pytest.approx(1)


def test_no_number_of_seeds_shows_what_is_not_there():
    assert seeds_needed(0, 0.3) is None
    assert power(0, 0.3, 5) == pytest.approx(0.05)


@pytest.mark.parametrize(("difference", "spread"), [(0.3, 0), (0.3, -1), (0.3, math.nan), (math.nan, 0.3)])
def test_a_spread_that_is_none_is_refused(difference, spread):
    with pytest.raises(StatisticsError, match="spread above 0"):
        seeds_needed(difference, spread)


def test_one_seed_has_no_power():
    with pytest.raises(StatisticsError, match="2 seeds or more, here is 1"):
        power(0.3, 0.2, 1)


# ---- of a test of equivalence


@pytest.mark.parametrize(("difference", "seeds"), [(0.0, 3), (0.0, 6), (0.3, 6), (-0.3, 20), (0.5, 10)])
def test_power_to_liken_is_how_often_the_test_shows_it(difference, seeds):
    draws = np.random.default_rng(10).normal(difference, 0.4, (1000, seeds))
    shown = np.mean([equivalence(values, np.zeros(seeds), 0.5).alike < 0.05 for values in draws])
    # four standard errors of a proportion near a half over 1,000
    assert power_to_liken(difference, 0.4, 0.5, seeds) == pytest.approx(shown, abs=0.063)


def test_with_many_seeds_power_to_liken_is_that_of_normal_tests():
    room = 0.5 / (4 / math.sqrt(500)) - stats.norm.ppf(0.95)
    assert power_to_liken(0, 4, 0.5, 500) == pytest.approx(2 * stats.norm.cdf(room) - 1, abs=0.005)


def test_seeds_needed_to_liken_are_the_first_that_have_the_power():
    needed = seeds_needed_to_liken(0.1, 0.4, 0.5)
    assert power_to_liken(0.1, 0.4, 0.5, needed - 1) < 0.8 <= power_to_liken(0.1, 0.4, 0.5, needed)


@pytest.mark.parametrize("difference", [0.5, -0.5, 3.0])
def test_no_number_of_seeds_likens_what_is_not_alike(difference):
    assert seeds_needed_to_liken(difference, 0.4, 0.5) is None


def test_a_bound_that_is_none_is_refused():
    with pytest.raises(StatisticsError, match="bounds above 0, not 0"):
        seeds_needed_to_liken(0.1, 0.4, 0)


def test_where_scipys_noncentral_t_has_no_number_there_is_a_power_nevertheless():
    """Between those of the effects beside it, for which statsmodels has one, and that of a simulation."""
    seeds, level = 3, 0.05 / 15
    effects = np.linspace(0.5, 20, 40)
    found = [power(effect, 1, seeds, level) for effect in effects]
    assert np.isfinite(found).all()
    assert (np.diff(found) > 0).all()
    draws = np.random.default_rng(0).normal(8.42, 1, (20_000, seeds))
    shown = stats.ttest_1samp(draws, 0, axis=1).pvalue < level
    assert power(8.42, 1, seeds, level) == pytest.approx(shown.mean(), abs=0.015)
