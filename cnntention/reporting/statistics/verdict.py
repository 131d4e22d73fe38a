"""Verdicts: in words what a comparison shows."""

import dataclasses
import enum
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cnntention.reporting.statistics.equivalence import equivalence
from cnntention.reporting.statistics.multiple import holm
from cnntention.reporting.statistics.seeds import paired_test


class Verdict(enum.StrEnum):
    """What runs say about a claim, in the words of reports on reproducibility."""

    VERIFIED = "verified"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable here"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the test of one claim found.

    Attributes:
        p: how likely so clear a finding is if there is nothing to find; NaN for what cannot be tested.
        supports: whether what was found is what was claimed, rather than its opposite.
    """

    p: float
    supports: bool


UNTESTED = Evidence(math.nan, False)


def lead(values: ArrayLike, reference: ArrayLike) -> Evidence:
    """On the claim that a model is ahead of another: the two-sided paired t-test over seeds.

    Args:
        values: one value per seed of the model that is said to be ahead, shape ``[n]``; more is better.
        reference: the other's, of the same seeds.

    Returns:
        Evidence; untested for fewer than two seeds.

    Raises:
        StatisticsError: values that do not fit.
    """
    if np.size(values) < 2:
        return UNTESTED
    return Evidence(paired_test(values, reference), bool(np.mean(np.subtract(values, reference)) > 0))


def likeness(values: ArrayLike, reference: ArrayLike, within: float) -> Evidence:
    """On the claim that two models are alike: two one-sided tests, and those of the opposite.

    Of the two only one can be wrong, and only one can be shown, so that both together count as one test of a table.

    Args:
        values: one value per seed, shape ``[n]``.
        reference: the other's, of the same seeds.
        within: differences up to this, either way, count as none.

    Returns:
        Evidence; untested for fewer than two seeds.

    Raises:
        StatisticsError: values that do not fit, or bounds that are not above zero.
    """
    if np.size(values) < 2:
        return UNTESTED
    found = equivalence(values, reference, within)
    return Evidence(min(found.alike, found.apart), found.alike < found.apart)


def verdicts(evidence: Sequence[Evidence], level: float = 0.05) -> list[Verdict]:
    """What is shown of each claim of one table, by p-values that are adjusted by Holm.

    So at most one table in twenty verifies or contradicts a claim where the truth does not.
    """
    adjusted = holm([found.p for found in evidence])
    return [_judged(p, found.supports, level) for p, found in zip(adjusted, evidence, strict=True)]


def _judged(p: float, supports: bool, level: float) -> Verdict:
    if math.isnan(p):
        return Verdict.NOT_TESTABLE
    if p >= level:
        return Verdict.INCONCLUSIVE
    return Verdict.VERIFIED if supports else Verdict.CONTRADICTED


def worded(verdict: Verdict, needed: int | None) -> str:
    """A verdict for reading; an inconclusive one with the seeds that would settle it, where known."""
    if verdict is Verdict.INCONCLUSIVE and needed is not None:
        return f"{verdict} ({needed:,} seeds needed)"
    return str(verdict)
