"""Statistics over seeds, against numbers by hand and against scipy."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cnntention.reporting.statistics import images_difference, mean_std, paired_difference, verdict

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


def test_pairs_go_by_position_whatever_the_labels_of_the_rows():
    values, reference = pd.Series([1.0, 2.0, 4.0], index=[0, 1, 2]), pd.Series([1.0, 1.0, 1.0], index=[7, 8, 9])
    assert paired_difference(values, reference)[0] == pytest.approx(4 / 3)


def test_values_without_partner_are_an_error():
    with pytest.raises(ValueError, match="shape"):
        paired_difference([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("values", "reference", "words"),
    [
        ([92, 92, 94], [90, 91, 92], "better"),
        ([90, 91, 92], [92, 92, 94], "worse"),
        ([92, 92], [90, 91], "no difference shown"),  # 1.5, but two seeds say little: [-4.9, 7.9]
        ([90, 91, 92], [90, 91, 92], "no difference shown"),
        ([92.1, 93.1], [92, 93], "the same difference with each seed: no spread to judge by"),
        ([99], [90], "one seed: nothing can be said"),
    ],
)
def test_a_verdict_says_what_the_interval_shows(values, reference, words):
    assert verdict(*paired_difference(values, reference)) == words


def test_without_a_pair_there_is_no_verdict():
    assert verdict(math.nan, math.nan, math.nan) == "not run yet"


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 0.0)])
def test_an_interval_that_ends_at_zero_shows_no_difference(low, high):
    assert verdict((low + high) / 2, low, high) == "no difference shown"


def test_of_equal_models_about_one_in_twenty_looks_different():
    draws = RANDOM.normal(size=(2, 2000, 3))
    words = [verdict(*paired_difference(values, reference)) for values, reference in zip(*draws, strict=True)]
    # 100 expected, standard deviation sqrt(2000 * 0.05 * 0.95) = 9.7; five of them to each side
    assert 51 <= words.count("better") + words.count("worse") <= 149


# ---- over images


def test_matched_proportions_of_the_literature():
    """Approval of 1,600 people in two surveys (Agresti, Categorical Data Analysis): -0.04 with interval +-0.0188."""
    cells = {(True, True): 794, (True, False): 150, (False, True): 86, (False, False): 570}
    first, second = np.array([pair for pair, people in cells.items() for _ in range(people)]).T
    difference, low, high = images_difference(second, first)
    assert difference == pytest.approx(-4)
    assert (low, high) == pytest.approx((-5.88, -2.12), abs=0.02)


def test_the_interval_over_images_is_the_normal_one_of_a_slightly_larger_sample():
    right, reference = RANDOM.random(300) < 0.9, RANDOM.random(300) < 0.8
    # half an image of each of the four kinds: two more, of difference 0, 0, 1 and -1
    differences = np.concatenate([right.astype(float) - reference, [0, 0, 1, -1]])
    weights = np.r_[np.ones(300), np.full(4, 0.5)]
    mean = np.average(differences, weights=weights)
    half = 1.959964 * math.sqrt(np.average((differences - mean) ** 2, weights=weights) / 302)
    assert images_difference(right, reference)[1:] == pytest.approx(
        (100 * (mean - half), 100 * (mean + half)), rel=1e-6
    )


def test_networks_that_agree_on_all_images_are_not_taken_for_certainly_equal():
    difference, low, high = images_difference([True] * 50, [True] * 50)
    assert difference == 0
    assert low < 0 < high


def test_the_interval_over_images_covers_as_often_as_it_says():
    """2,000 draws of 200 images on which the models are right with 0.8 and 0.7: the truth is 10 points."""
    rng = np.random.default_rng(1)
    ours, theirs = rng.random((2000, 200)) < 0.8, rng.random((2000, 200)) < 0.7
    ends = np.array([images_difference(a, b)[1:] for a, b in zip(ours, theirs, strict=True)])
    covered = ((ends[:, 0] <= 10) & (ends[:, 1] >= 10)).mean()
    assert 0.93 < covered < 0.97
