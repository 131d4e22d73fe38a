"""Two models beside each other among a table's other pairs: difference, test, verdict, and the seeds that it takes."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from cnntention.reporting.statistics.multiple import holm
from cnntention.reporting.statistics.power import power, power_to_liken, seeds_needed, seeds_needed_to_liken
from cnntention.reporting.statistics.seeds import mean_std, paired_difference
from cnntention.reporting.statistics.verdict import UNTESTED, Evidence, Verdict, lead, likeness, verdicts, worded

LEVEL = 0.05
"""Of all tests of a table together."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What the seeds that two models share say about them; more is better.

    Attributes:
        seeds: that both models have.
        difference: mean over these; NaN without any.
        low: lower end of its interval, of 95%, or of 90% where the models are said to be alike; NaN below two seeds.
        high: its upper end.
        spread: standard deviation of the difference from seed to seed; NaN below two seeds.
        claimed: the difference that somebody claims; NaN where nobody does.
        within: not a lead is claimed, but that the difference is at most this; None: a lead.
        evidence: of the claim.
    """

    seeds: int
    difference: float
    low: float
    high: float
    spread: float
    claimed: float
    within: float | None
    evidence: Evidence

    @property
    def untestable(self) -> str:
        """Why nothing can be tested; empty where something can."""
        if self.seeds < 2:
            return "one seed" if self.seeds else "not run yet"
        # Few test images make this likely, and t would take it for certainty.
        return "the same difference with each seed" if math.isnan(self.evidence.p) else ""


def compare(
    values: Sequence[float], reference: Sequence[float], claimed: float = math.nan, within: float | None = None
) -> Comparison:
    """Compare two models over the seeds that they share.

    Args:
        values: one value per seed; more is better.
        reference: the reference's, of the same seeds.
        claimed: see :class:`Comparison`.
        within: likewise.

    Raises:
        StatisticsError: values that do not fit, or bounds that are not above zero.
    """
    if not len(values):
        return Comparison(0, math.nan, math.nan, math.nan, math.nan, claimed, within, UNTESTED)
    mean, low, high = paired_difference(values, reference, 0.9 if within else 0.95)
    _, spread = mean_std(np.subtract(values, reference))
    evidence = likeness(values, reference, within) if within else lead(values, reference)
    return Comparison(len(values), mean, low, high, spread, claimed, within, evidence)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What a comparison shows among a table's others.

    Attributes:
        verdict: in the words of reports on reproducibility.
        p: adjusted by Holm; NaN for what cannot be tested.
        power: the probability that so many seeds show the claimed difference, if it is there; NaN where not known.
        for_claimed: seeds that show the claimed difference with 80% power; None where not known, or over a million.
        for_found: likewise the difference that was found.
        needed: which of both settles the claim: that for the claimed difference, unless as many are there already.
    """

    verdict: Verdict
    p: float
    power: float
    for_claimed: int | None
    for_found: int | None
    needed: int | None

    @property
    def words(self) -> str:
        """The verdict for reading."""
        return worded(self.verdict, self.needed)


def judge(comparisons: Sequence[Comparison]) -> list[Judgement]:
    """What is shown by each comparison of one table.

    Power and seeds hold for the whole table: at a level of 0.05 shared by its tests, the strictest that Holm asks for.
    They take the spread that was found for the true one.
    """
    evidence = [comparison.evidence for comparison in comparisons]
    adjusted = holm([found.p for found in evidence])
    level = LEVEL / max(1, sum(not math.isnan(p) for p in adjusted))
    found = zip(comparisons, verdicts(evidence, LEVEL), adjusted, strict=True)
    return [_judgement(comparison, verdict, p, level) for comparison, verdict, p in found]


def _judgement(comparison: Comparison, verdict: Verdict, p: float, level: float) -> Judgement:
    if comparison.untestable:
        return Judgement(verdict, p, math.nan, None, None, None)
    for_found = _settling(comparison.difference, comparison).seeds(level)
    if math.isnan(comparison.claimed):
        return Judgement(verdict, p, math.nan, None, for_found, for_found)
    claimed = _settling(comparison.claimed, comparison)
    for_claimed = claimed.seeds(level)
    needed = for_claimed if for_claimed is None or for_claimed > comparison.seeds else for_found
    return Judgement(verdict, p, claimed.power(comparison.seeds, level), for_claimed, for_found, needed)


@dataclasses.dataclass(frozen=True)
class _Settling:
    """The test that settles a claim if a difference is the true one.

    Attributes:
        difference: to be shown.
        spread: see :class:`Comparison`.
        within: to be shown is that it lies within these bounds; None: that it is there.
    """

    difference: float
    spread: float
    within: float | None

    def power(self, seeds: int, level: float) -> float:
        if self.within is None:
            return power(self.difference, self.spread, seeds, level)
        return power_to_liken(self.difference, self.spread, self.within, seeds, level)

    def seeds(self, level: float) -> int | None:
        if self.within is None:
            return seeds_needed(self.difference, self.spread, level=level)
        return seeds_needed_to_liken(self.difference, self.spread, self.within, level=level)


def _settling(difference: float, comparison: Comparison) -> _Settling:
    within = comparison.within
    if within is None or abs(difference) < within:
        return _Settling(difference, comparison.spread, within)
    # Outside the bounds it is as far from them as a lead is from zero.
    return _Settling(abs(difference) - within, comparison.spread, None)
