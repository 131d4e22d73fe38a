"""Tables of claims: what somebody said of two models, what was found here, and what that shows."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.base.words import NONE
from cnntention.reporting import captions, claim_stanza
from cnntention.reporting.claim import Claim, Finding, finding
from cnntention.reporting.kinds import Study
from cnntention.reporting.measures import MEASURES
from cnntention.reporting.notes import trained
from cnntention.reporting.runs import evaluations_in_detail
from cnntention.reporting.statistics.comparison import Judgement, judge
from cnntention.reporting.statistics.verdict import Verdict
from cnntention.reporting.table import Table, count, interval, number, without_empty
from cnntention.reporting.tables.kind import TableKind, TableSpec


@dataclasses.dataclass(frozen=True)
class ClaimsSpec(TableSpec):
    """What a table of claims depends on.

    Attributes:
        claims: one a row.
        seeds: of the runs of each model.
    """

    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]


class Claims(TableKind[ClaimsSpec]):
    """One row a claim: both models' values, the difference with its interval, the claimed one, and a verdict.

    With several seeds the interval is over the seeds that both models share. With one seed it is over images, which
    says nothing of the models, only of these two networks: such a claim counts as not testable. What does not vary from
    seed to seed needs no test.
    """

    spec_class = ClaimsSpec
    required = ("claims",)
    keys: ClassVar[dict[str, dict]] = {
        "claims": {
            "type": "object",
            "minProperties": 1,
            "description": "each that a model is ahead of another one, by name; one a row, in the order of their names",
            "propertyNames": {"$ref": "#/$defs/name"},
            "properties": {"only": {"$ref": "#/$defs/only", "minItems": 1}},
            "additionalProperties": claim_stanza.SCHEMA,
        },
        "published": {"not": {}, "message": "not possible with kind: claims, each of which has its own"},
    }
    files = (layout.EVAL, layout.PREDICTIONS, layout.HISTORY)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        runs = [run for claim in stanza["claims"].values() for run in claim_stanza.runs(claim, seeds)]
        return list(dict.fromkeys(runs))

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        for name, claim in stanza["claims"].items():
            yield from claim_stanza.check(f"{key}.claims.{name}", claim, config)

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        claims = [claim_stanza.details(name, claim, study) for name, claim in sorted(stanza["claims"].items())]
        return {"claims": claims, "seeds": study.config["seeds"]}

    def caption(self, spec: ClaimsSpec) -> str:
        return (
            f"{spec.caption}. One row a claim, {captions.seeds(spec.seeds)}: both models' values, and what they show."
        )

    def read(self, results: str, spec: ClaimsSpec) -> pd.DataFrame:
        return evaluations_in_detail(results, spec.runs)

    def build(self, spec: ClaimsSpec, runs: pd.DataFrame) -> Table:
        found = [finding(claim, runs) for claim in spec.claims]
        judgements = judge([of_claim.comparison for of_claim in found])
        rows = [_row(spec, *of_claim) for of_claim in zip(spec.claims, found, judgements, strict=True)]
        columns = {
            "Claim": [claim.claim for claim in spec.claims],
            "Where": [claim.source for claim in spec.claims],
            "Here": [_shown_values(claim, row) for claim, row in zip(spec.claims, rows, strict=True)],
            "Difference [95%]": [_shown_difference(claim, row) for claim, row in zip(spec.claims, rows, strict=True)],
            "Claimed": [_shown_claimed(claim, row) for claim, row in zip(spec.claims, rows, strict=True)],
            "Seeds": [count(row["seeds"], len(spec.seeds)) for row in rows],
            "Images": [number(row["images"], ",.0f") for row in rows],
            "p": [_shown_p(row["p_adjusted"]) for row in rows],
            "Power": [number(row["power"], ".0%") for row in rows],
            "Seeds needed": [_shown_needed(row) for row in rows],
            "Verdict": [
                _shown_verdict(claim, row, judgement)
                for claim, row, judgement in zip(spec.claims, rows, judgements, strict=True)
            ],
        }
        data = pd.DataFrame(rows)
        counts = ["images", "seeds_for_claimed", "seeds_for_found"]
        data[counts] = data[counts].astype("Int64")
        shown = without_empty(columns, ("p", "Power", "Seeds needed"))
        return Table(data, shown, spec.caption, _notes(rows) + trained(runs), spec.name)


KIND = Claims()


def _row(spec: ClaimsSpec, claim: Claim, found: Finding, judgement: Judgement) -> dict:
    measure, comparison = MEASURES[claim.measure], found.comparison
    low, high = (comparison.low, comparison.high) if measure.higher else (-comparison.high, -comparison.low)
    if not math.isnan(found.over_images[0]):
        low, high = found.over_images
    verdict, reason = judgement.verdict, comparison.untestable
    if found.seeds and not measure.sampled:
        verdict, reason = Verdict.VERIFIED if found.ahead(claim) else Verdict.CONTRADICTED, ""
    return {
        "claim": claim.name,
        "measure": claim.measure,
        "dataset": claim.dataset.name,
        "split": claim.split,
        "model": claim.model.name,
        "than": claim.than.name,
        "model_value": found.values[0],
        "than_value": found.values[1],
        "difference": measure.difference(*found.values),
        "difference_low": low,
        "difference_high": high,
        "within": claim.within or math.nan,
        "claimed": measure.difference(*claim.published) if claim.published else math.nan,
        "seeds": found.seeds,
        "seeds_expected": len(spec.seeds),
        "images": found.images,
        "p": comparison.evidence.p,
        "p_adjusted": judgement.p,
        "p_mcnemar": found.mcnemar,
        "power": judgement.power,
        "seeds_for_claimed": judgement.for_claimed,
        "seeds_for_found": judgement.for_found,
        "verdict": str(verdict),
        "reason": reason,
        "reservation": claim.reservation if found.seeds else "",
    }


def _shown_verdict(claim: Claim, row: dict, judgement: Judgement) -> str:
    text = judgement.words if row["verdict"] == Verdict.INCONCLUSIVE else row["verdict"]
    if row["reason"]:
        text += f": {row['reason']}"
    if not math.isnan(row["p_mcnemar"]):
        text += f" (McNemar: p {_shown_p(row['p_mcnemar'], '= ')})"
    return ", ".join(filter(None, (text, row["reservation"])))


def _shown_p(p: float, equal: str = "") -> str:
    if math.isnan(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{equal}{p:.3f}"


def _shown_needed(row: dict) -> str:
    known = {"claimed": row["seeds_for_claimed"], "found": row["seeds_for_found"]}
    return "; ".join(f"{name}: {seeds:,}" for name, seeds in known.items() if seeds is not None) or NONE


def _shown_values(claim: Claim, row: dict) -> str:
    if not row["seeds"]:
        return NONE
    shown = MEASURES[row["measure"]].shown
    return f"{claim.model.label} {shown(row['model_value'])}, {claim.than.label} {shown(row['than_value'])}"


def _shown_difference(claim: Claim, row: dict) -> str:
    measure = MEASURES[row["measure"]]
    text = interval(row["difference"], row["difference_low"], row["difference_high"], measure.form, measure.unit)
    return f"{text} (90%)" if claim.within and row["seeds"] > 1 else text


def _shown_claimed(claim: Claim, row: dict) -> str:
    measure = MEASURES[row["measure"]]
    text = interval(row["claimed"], math.nan, math.nan, measure.form, measure.unit)
    return text + (f" (within ±{claim.within:g})" if claim.within else "")


def _notes(rows: list[dict]) -> list[str]:
    notes = []
    if any(row["seeds"] > 1 and MEASURES[row["measure"]].sampled for row in rows):
        notes.append(
            "Difference with several seeds: mean over the seeds that both models share, with its 95% interval "
            "(paired t). Where a claim is that two models are alike, the interval is of 90%: it lies within the bounds "
            "where the unadjusted p of two one-sided tests is below 0.05."
        )
    tested = sum(not math.isnan(row["p"]) for row in rows)
    if tested:
        notes.append(
            f"p: adjusted for the number of tests in this table, {tested} (Holm), so that at most one table in twenty "
            "verifies or contradicts a claim wrongly. Verified, contradicted: p is below 0.05 for the claim or for its "
            "opposite. Inconclusive: too few seeds to tell, which is no proof that there is no difference."
        )
        notes.append(
            "Power: how likely so many seeds settle the claim in this table if the claimed difference is the true one. "
            "Seeds needed: with them it is 80%, for the claimed difference and for the one found here. Both take the "
            "spread between seeds that was found for the true one, which few seeds know but roughly. An inconclusive "
            "verdict names the seeds for the claimed difference, or those for the found one where nothing is claimed "
            "in numbers or so many are there already."
        )
    if any(row["seeds"] == 1 and MEASURES[row["measure"]].sampled for row in rows):
        notes.append(
            "One seed tells nothing of the spread from training to training. Its interval, where there is one, is over "
            "images (Agresti and Min 2005), and so is McNemar's exact test: they say whether these two networks "
            "differ, not whether the models do, so that the claim stays untested."
        )
    return notes
