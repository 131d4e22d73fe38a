"""Verdicts in words, and how often they are wrong."""

import gc

import numpy as np
import pytest

from cnntention.reporting.statistics.verdict import (
    UNTESTED,
    Evidence,
    Verdict,
    lead,
    likeness,
    verdicts,
    worded,
)


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
