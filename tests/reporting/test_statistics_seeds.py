"""Over seeds, against numbers by hand and against scipy."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.seeds import correlation, mean_std, paired_difference, paired_test

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "mean", "std"),
    [
        ([90, 91, 92], 91, 1),
        ([1, 2, 3, 4], 2.5, math.sqrt(5 / 3)),
        ([2, 4, 4, 4, 5, 5, 7, 9], 5, math.sqrt(32 / 7)),
        ([5, 5], 5, 0),
    ],
)
def test_mean_and_sample_standard_deviation(values, mean, std):
    assert mean_std(values) == pytest.approx((mean, std))
    assert mean_std(np.array(values)) == pytest.approx((mean, std))
    assert mean_std(pd.Series(values, index=range(10, 10 + len(values)))) == pytest.approx((mean, std))


def test_nothing_is_known_of_the_spread_of_one_value():
    mean, std = mean_std([91.5])
    assert mean == 91.5
    assert math.isnan(std)


def test_results_are_plain_floats():
    assert all(type(value) is float for value in mean_std(np.float32([1, 2])))
    assert all(isinstance(value, float) for value in paired_difference([1, 2], [0, 3]))


def test_a_paired_difference_by_hand():
    # differences 2, 1, 2: mean 5/3, standard deviation sqrt(1/3), t(0.975, 2) = 4.302653
    half = 4.302653 * math.sqrt(1 / 3) / math.sqrt(3)
    expected = (5 / 3, 5 / 3 - half, 5 / 3 + half)
    assert paired_difference([92, 92, 94], [90, 91, 92]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("pairs", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_is_that_of_scipys_paired_t_test(pairs, confidence):
    values, reference = RANDOM.normal(91, 1, pairs), RANDOM.normal(90, 1, pairs)
    interval = stats.ttest_rel(values, reference).confidence_interval(confidence)
    mean, low, high = paired_difference(values, reference, confidence)
    assert mean == pytest.approx((values - reference).mean())
    assert (low, high) == pytest.approx((interval.low, interval.high))


def test_the_interval_covers_95_percent_by_default():
    values, reference = RANDOM.normal(size=5), RANDOM.normal(size=5)
    assert paired_difference(values, reference) == paired_difference(values, reference, 0.95)


def test_variance_that_pairs_share_does_not_widen_the_interval():
    shared = np.array([0.0, 10.0, -20.0])
    difference = np.array([1.0, 1.1, 0.9])
    assert paired_difference(shared + difference, shared) == pytest.approx(paired_difference(difference, [0, 0, 0]))


def test_one_pair_has_a_difference_without_interval():
    mean, low, high = paired_difference([92.0], [90.5])
    assert mean == 1.5
    assert math.isnan(low)
    assert math.isnan(high)


def test_the_same_difference_with_each_seed_has_no_interval():
    """Rather than one of no width, which would be certainty."""
    mean, low, high = paired_difference([91, 92.1, 93], [90, 91.1, 92])
    assert mean == pytest.approx(1)
    assert math.isnan(low)
    assert math.isnan(high)


def test_pairs_go_by_position_whatever_the_labels_of_the_rows():
    values, reference = pd.Series([1.0, 2.0, 4.0], index=[0, 1, 2]), pd.Series([1.0, 1.0, 1.0], index=[7, 8, 9])
    assert paired_difference(values, reference)[0] == pytest.approx(4 / 3)


def test_values_without_partner_are_an_error():
    with pytest.raises(ValueError, match="shape"):
        paired_difference([1, 2, 3], [1, 2])


# ---- tests and correlation


@pytest.mark.parametrize("pairs", [2, 3, 10])
def test_the_test_is_scipys_and_agrees_with_the_interval(pairs):
    for shift in (0, 0.5, 2, 8):
        values, reference = RANDOM.normal(90 + shift, 1, pairs), RANDOM.normal(90, 1, pairs)
        p = paired_test(values, reference)
        assert p == pytest.approx(stats.ttest_1samp(values - reference, 0).pvalue)
        _, low, high = paired_difference(values, reference)
        assert (p < 0.05) == (low > 0 or high < 0)


def test_the_same_difference_with_each_seed_is_no_certainty():
    assert math.isnan(paired_test([92.1, 93.1, 95.3], [92, 93, 95.2]))


@pytest.mark.parametrize("seeds", [4, 10])
def test_the_correlation_is_pearsons_with_fishers_interval(seeds):
    shared = RANDOM.normal(size=seeds)
    values, reference = shared + RANDOM.normal(size=seeds), shared + RANDOM.normal(size=seeds)
    found, low, high = correlation(values, reference)
    assert found == pytest.approx(np.corrcoef(values, reference)[0, 1])
    half = 1.959964 / math.sqrt(seeds - 3)
    assert (low, high) == pytest.approx((math.tanh(math.atanh(found) - half), math.tanh(math.atanh(found) + half)))


def test_three_seeds_say_nothing_of_a_correlation():
    assert correlation([1, 2, 4], [1, 2, 3])[1:] == (-1, 1)


def test_models_without_spread_have_no_correlation():
    assert all(map(math.isnan, correlation([1, 1, 1], [1, 2, 3])))


@pytest.mark.parametrize(("function", "seeds", "message"), [(paired_test, 1, "2 seeds"), (correlation, 2, "3 seeds")])
def test_too_few_seeds_are_refused(function, seeds, message):
    with pytest.raises(StatisticsError, match=message):
        function(range(seeds), range(seeds))
