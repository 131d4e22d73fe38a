"""Intervals over seeds and images, in their limits against other intervals, and by simulation."""

import math

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import ndtr, ndtri

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.crossed import crossed_difference, crossed_mean
from cnntention.reporting.statistics.seeds import paired_difference

RANDOM = np.random.default_rng(7)


def drawn(rng, seeds, images, of_model, of_seed, advantage=0.05, accuracy=0.9):
    """Outcomes of two models and their true difference in points.

    The probability of being right is Phi of what image, image with this model, and seed add, so that the expectation
    over all of them is known.

    Args:
        rng: source of chance.
        seeds: how many.
        images: how many.
        of_model: standard deviation of what an image adds for one model, the two models' difference by images.
        of_seed: standard deviation of what a training adds.
        advantage: of the first model, in standard deviations.
        accuracy: of the second.
    """
    scale = math.sqrt(1 + 3**2 + of_model**2 + of_seed**2)
    of_image = rng.normal(0, 3, images)
    ours, theirs = (
        rng.random((seeds, images))
        < ndtr(level * scale + of_image + rng.normal(0, of_model, images) + rng.normal(0, of_seed, (seeds, 1)))
        for level in (ndtri(accuracy) + advantage, ndtri(accuracy))
    )
    return ours, theirs, 100 * (ndtr(ndtri(accuracy) + advantage) - accuracy)


def covered(repetitions, seed, **setting):
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(repetitions):
        ours, theirs, truth = drawn(rng, **setting)
        _, low, high = crossed_difference(ours, theirs)
        hits += low <= truth <= high
    return hits / repetitions


def assert_about_95_percent(coverage, repetitions):
    """Between 93 and 97%, and what chance does to so many repetitions (three standard errors)."""
    chance = 3 * math.sqrt(0.05 * 0.95 / repetitions)
    assert 0.93 - chance <= coverage <= 0.97 + chance


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize(
    ("of_model", "of_seed"),
    [
        pytest.param(0.0, 0.15, id="seeds dominate"),
        pytest.param(1.0, 0.05, id="images dominate"),
        pytest.param(0.5, 0.02, id="the residual dominates"),
        pytest.param(0.6, 0.08, id="a bit of each"),
    ],
)
def test_the_interval_covers_as_often_as_it_says_whatever_dominates(seeds, of_model, of_seed):
    coverage = covered(500, seeds, seeds=seeds, images=1000, of_model=of_model, of_seed=of_seed)
    assert_about_95_percent(coverage, 500)


def test_what_only_seeds_vary_gets_the_t_interval_over_seeds():
    """Each image is right with exactly one of three seeds, so that none is harder than another."""
    owner = np.repeat([0, 1, 2], [50, 30, 20])
    right = owner == np.arange(3)[:, None]
    expected = paired_difference([50, 30, 20], [0, 0, 0])
    assert crossed_mean(right) == pytest.approx(expected, abs=0.01 * (expected[2] - expected[0]))


def test_what_only_images_vary_gets_the_interval_of_a_proportion():
    right = np.tile(np.arange(1000) < 800, (5, 1))
    half = 100 * 1.96 * math.sqrt(0.8 * 0.2 / 1000)
    assert crossed_mean(right) == pytest.approx((80, 80 - half, 80 + half), abs=0.05 * half)


def test_between_seeds_and_images_it_is_the_mean_of_behrens_fisher_and_satterthwaite():
    ours, theirs, _ = drawn(np.random.default_rng(9), 3, 4000, of_model=1.5, of_seed=0.05)
    mean, low, high = crossed_difference(ours, theirs)
    difference = 100 * (ours.astype(float) - theirs)
    of_seeds = difference.mean(axis=1).var(ddof=1) / 3
    residual = (difference - difference.mean(axis=0)).var(axis=0, ddof=1).mean() - 3 * of_seeds
    of_images = difference.mean(axis=0).var(ddof=1) / 4000 - residual / (3 * 4000)
    assert 0.2 < of_seeds / (of_seeds + of_images) < 0.8

    def beyond(half):
        """Probability that the sum of a scaled t and a normal deviation is above it."""
        return stats.t(2).expect(lambda t: ndtr((t * math.sqrt(of_seeds) - half) / math.sqrt(of_images)))

    behrens_fisher = optimize.brentq(lambda half: beyond(half) - 0.025, 0.1, 10)
    error = math.sqrt(of_seeds + of_images)
    satterthwaite = error * stats.t.ppf(0.975, 2 * (error**2 / of_seeds) ** 2)
    assert (high - low) / 2 == pytest.approx((behrens_fisher + satterthwaite) / 2, rel=0.02)
    assert (high + low) / 2 == pytest.approx(mean, abs=0.05 * (high - low))


def test_the_interval_is_wider_than_over_seeds_alone_where_images_differ():
    ours, theirs, _ = drawn(RANDOM, 10, 1000, of_model=1, of_seed=0.02)
    mean, low, high = crossed_difference(ours, theirs)
    of_seeds = paired_difference(100 * ours.mean(axis=1), 100 * theirs.mean(axis=1))
    assert mean == pytest.approx(of_seeds[0])
    assert high - low > 1.3 * (of_seeds[2] - of_seeds[1])


def test_the_interval_is_the_same_whenever_it_is_made_and_in_whatever_order_seeds_and_images_come():
    ours, theirs, _ = drawn(RANDOM, 5, 400, of_model=0.5, of_seed=0.1)
    expected = crossed_difference(ours, theirs)
    assert crossed_difference(ours, theirs) == expected
    seeds, images = RANDOM.permutation(5), RANDOM.permutation(400)
    assert crossed_difference(ours[seeds][:, images], theirs[seeds][:, images]) == pytest.approx(expected)


def test_the_other_way_round_it_is_the_same_interval_with_another_sign():
    ours, theirs, _ = drawn(RANDOM, 5, 2000, of_model=0.5, of_seed=0.1)
    mean, low, high = crossed_difference(ours, theirs)
    # chance of the draws alone tells them apart
    assert crossed_difference(theirs, ours) == pytest.approx((-mean, -high, -low), abs=0.05 * (high - low))


def test_more_confidence_is_a_wider_interval():
    ours, theirs, _ = drawn(RANDOM, 4, 500, of_model=0.5, of_seed=0.1)
    (_, low, high), (_, lower, higher) = (crossed_difference(ours, theirs, level) for level in (0.9, 0.99))
    assert lower < low < high < higher


def test_models_that_are_right_on_the_same_images_differ_by_nothing():
    right = RANDOM.random((3, 50)) < 0.9
    assert crossed_difference(right, right) == (0, 0, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ((3, 100), (3, 90), r"same seeds and images.*\(3, 100\) and \(3, 90\)"),
        ((3, 100), (2, 100), "compare the seeds that both have"),
        ((1, 100), (1, 100), "an interval over seeds and images needs 2 seeds or more, here is 1"),
        ((3, 1), (3, 1), "2 images or more"),
    ],
)
def test_models_that_do_not_fit_are_refused(ours, theirs, message):
    with pytest.raises(StatisticsError, match=message):
        crossed_difference(np.ones(ours, bool), np.ones(theirs, bool))


def test_outcomes_that_are_missing_are_refused():
    with pytest.raises(StatisticsError, match="right or wrong"):
        crossed_mean([[1, 0, math.nan], [1, 1, 1]])
