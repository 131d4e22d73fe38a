"""Over images, against published numbers, closed forms and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.images import images_difference, mcnemar

RANDOM = np.random.default_rng(0)


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


# ---- McNemar's exact test


def test_mcnemar_of_the_literature():
    """86 and 150 of the 1,600 people above changed their minds: p = 3.716e-05 (Fay 2010, exact2x2)."""
    gained, lost = np.arange(1600) < 86, (np.arange(1600) >= 86) & (np.arange(1600) < 86 + 150)
    assert mcnemar(gained, lost) == pytest.approx(3.716e-05, rel=1e-3)


@pytest.mark.parametrize("images", [5, 40, 300])
def test_mcnemar_is_a_sign_test_on_the_images_that_tell_the_networks_apart(images):
    right, reference = RANDOM.random(images) < 0.8, RANDOM.random(images) < 0.6
    gained, lost = (right & ~reference).sum(), (~right & reference).sum()
    assert mcnemar(right, reference) == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)
    assert mcnemar(right, reference) == pytest.approx(mcnemar(reference, right))


def test_networks_that_agree_on_all_images_are_no_evidence():
    assert mcnemar([True, False] * 10, [True, False] * 10) == 1


@pytest.mark.parametrize("other", [49, 51])
def test_networks_on_other_images_are_refused(other):
    with pytest.raises(StatisticsError, match="McNemar's test needs the same seeds and images of both models"):
        mcnemar([True] * 50, [True] * other)
