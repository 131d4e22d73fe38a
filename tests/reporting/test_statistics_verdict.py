"""Verdicts in words, and how often they are wrong."""

import math

import numpy as np
import pytest

from cnntention.reporting.statistics.seeds import paired_difference
from cnntention.reporting.statistics.verdict import verdict

RANDOM = np.random.default_rng(0)


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
