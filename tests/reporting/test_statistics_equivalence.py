"""Two one-sided tests, against the interval that they belong to and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.equivalence import equivalence


@pytest.mark.parametrize("within", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("shift", [-0.6, 0.0, 0.2])
def test_alike_is_the_greater_of_scipys_two_one_sided_p_values(within, shift):
    rng = np.random.default_rng(3)
    values, reference = 90 + shift + rng.normal(0, 0.3, 6), 90 + rng.normal(0, 0.3, 6)
    above = stats.ttest_1samp(values - reference, -within, alternative="greater").pvalue
    below = stats.ttest_1samp(values - reference, within, alternative="less").pvalue
    found = equivalence(values, reference, within)
    assert found.alike == pytest.approx(max(above, below))
    assert found.apart == pytest.approx(min(1, 2 * min(1 - above, 1 - below)))


def test_alike_is_shown_exactly_where_the_90_percent_interval_lies_within_the_bounds():
    rng = np.random.default_rng(4)
    shown = 0
    for _ in range(300):
        values, reference = rng.normal(0, 0.3, 5), rng.normal(0, 0.3, 5)
        interval = stats.ttest_rel(values, reference).confidence_interval(0.9)
        found = equivalence(values, reference, 0.4)
        assert (found.low, found.high) == pytest.approx(interval)
        assert (found.alike < 0.05) == (found.low > -0.4 and found.high < 0.4)
        shown += found.alike < 0.05
    assert 20 < shown < 280


def test_at_the_bound_one_in_twenty_is_wrongly_taken_for_alike_and_one_in_forty_for_apart():
    rng = np.random.default_rng(5)
    draws = rng.normal(0.5, 0.05, (1000, 5))
    found = [equivalence(values, np.zeros(5), 0.5) for values in draws]
    # five standard errors over 1,000: 0.034 and 0.025
    assert np.mean([each.alike < 0.05 for each in found]) == pytest.approx(0.05, abs=0.034)
    assert np.mean([each.apart < 0.05 for each in found]) == pytest.approx(0.025, abs=0.025)


def test_without_spread_there_is_nothing_to_judge_by():
    found = equivalence([91.2, 92.2], [91.1, 92.1], 0.5)
    assert math.isnan(found.alike)
    assert math.isnan(found.apart)


@pytest.mark.parametrize("within", [0.0, -1.0, math.nan])
def test_bounds_below_zero_are_refused(within):
    with pytest.raises(StatisticsError, match="bounds above 0"):
        equivalence([1, 2], [2, 4], within)


def test_one_seed_is_too_few():
    with pytest.raises(StatisticsError, match="equivalence needs 2 seeds or more, here is 1"):
        equivalence([1], [2], 0.5)
