"""Verdicts in words, and how often they are wrong."""

import gc
import math

import numpy as np
import pytest

from cnntention.reporting.statistics.seeds import paired_difference
from cnntention.reporting.statistics.verdict import (
    UNTESTED,
    Evidence,
    Verdict,
    lead,
    likeness,
    verdict,
    verdicts,
    worded,
)

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


# ---- claims


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (lead([92, 92, 94], [90, 91, 92]), Verdict.VERIFIED),
        (lead([90, 91, 92], [92, 92, 94]), Verdict.CONTRADICTED),
        (lead([92, 92], [90, 91]), Verdict.INCONCLUSIVE),
        (lead([92], [90]), Verdict.NOT_TESTABLE),
        (lead([], []), Verdict.NOT_TESTABLE),
        (lead([92.1, 93.1], [92, 93]), Verdict.NOT_TESTABLE),  # no spread to judge by
        (likeness([90.1, 91.0, 92.2], [90, 91, 92], within=1), Verdict.VERIFIED),
        (likeness([95.1, 96.0, 97.2], [90, 91, 92], within=1), Verdict.CONTRADICTED),
        (likeness([85.1, 86.0, 87.2], [90, 91, 92], within=1), Verdict.CONTRADICTED),
        (likeness([91, 91.2, 93.2], [90, 91, 92], within=1), Verdict.INCONCLUSIVE),
        (likeness([91], [90], within=1), Verdict.NOT_TESTABLE),
    ],
)
def test_what_is_shown_of_a_claim(evidence, expected):
    assert verdicts([evidence]) == [expected]


def test_a_finding_beside_many_others_must_be_clearer():
    clear, unclear = Evidence(0.001, True), Evidence(0.02, False)
    assert verdicts([unclear]) == [Verdict.CONTRADICTED]
    assert verdicts([clear, unclear, unclear, unclear]) == [Verdict.VERIFIED] + 3 * [Verdict.INCONCLUSIVE]
    # what could not be tested costs the others nothing
    assert verdicts([UNTESTED, unclear, UNTESTED])[1] == Verdict.CONTRADICTED


def test_at_most_one_table_in_twenty_has_a_false_verdict(monkeypatch):
    """1,000 tables: two claims of a lead where there is none, one of likeness at its bound."""
    monkeypatch.setattr(gc, "collect", lambda: 0)  # statsmodels calls it each time, a tenth of a second
    rng = np.random.default_rng(8)
    wrong = 0
    for baseline, first, second, third in rng.normal(0, 0.2, (1000, 4, 5)):
        evidence = [lead(first, baseline), lead(second, baseline), likeness(third + 0.5, baseline, within=0.5)]
        shown = verdicts(evidence)
        wrong += shown[:2] != 2 * [Verdict.INCONCLUSIVE] or shown[2] == Verdict.VERIFIED
    # three standard errors of a proportion of 0.05 over 1,000
    assert wrong / 1000 <= 0.05 + 0.021


@pytest.mark.parametrize(
    ("shown", "needed", "text"),
    [
        (Verdict.VERIFIED, 4, "verified"),
        (Verdict.CONTRADICTED, None, "contradicted"),
        (Verdict.INCONCLUSIVE, 1234, "inconclusive (1,234 seeds needed)"),
        (Verdict.INCONCLUSIVE, None, "inconclusive"),
        (Verdict.NOT_TESTABLE, None, "not testable here"),
    ],
)
def test_a_verdict_for_reading(shown, needed, text):
    assert worded(shown, needed) == text
