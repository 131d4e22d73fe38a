"""Tables of claims: what somebody said of two models, what was found here, and what that shows."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.base.words import NONE
from cnntention.reporting import captions, selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.measures import MEASURES, Measure
from cnntention.reporting.notes import trained
from cnntention.reporting.runs import evaluations_in_detail
from cnntention.reporting.selection import Labelled
from cnntention.reporting.statistics.images import images_difference
from cnntention.reporting.statistics.seeds import paired_difference
from cnntention.reporting.statistics.verdict import verdict
from cnntention.reporting.table import Table, count, interval, number
from cnntention.reporting.tables.kind import TableKind, TableSpec


@dataclasses.dataclass(frozen=True)
class Claim:
    """That one model is ahead of another.

    Attributes:
        name: in the config.
        claim: for reading.
        source: where it stands.
        measure: one of :data:`MEASURES`, by which the models are compared.
        dataset: on which.
        split: see :mod:`cnntention.data.split`.
        model: claimed to be ahead.
        than: of this one.
        epochs: the first ones, over which an ``early_error`` is the mean.
        within: not who is ahead is claimed, but that the accuracies differ by at most so many points.
        published: the values of both models, in percent, seconds or counts.
        trained: epochs of the run that is trained by the shorter schedule.
        schedule: epochs of that run's whole recipe.
    """

    name: str
    claim: str
    source: str
    measure: str
    dataset: Labelled
    split: str
    model: Labelled
    than: Labelled
    epochs: int | None
    within: float | None
    published: tuple[float, float] | None
    trained: int
    schedule: int


@dataclasses.dataclass(frozen=True)
class ClaimsSpec(TableSpec):
    """What a table of claims depends on.

    Attributes:
        claims: one a row.
        seeds: of the runs of each model.
    """

    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]


_CLAIM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["claim", "source", "measure", "dataset", "split", "model", "than"],
    "properties": {
        "claim": {"$ref": "#/$defs/text", "description": "what is claimed, for reading"},
        "source": {"$ref": "#/$defs/text", "description": "where the claim stands"},
        "measure": {
            "enum": [*MEASURES],
            "description": "ahead is who has more accuracy, or less of anything else",
        },
        "dataset": {"$ref": "#/$defs/name", "description": "on which the models are compared"},
        "split": selection.KEYS["split"],
        "model": {"$ref": "#/$defs/name", "description": "claimed to be ahead"},
        "than": {"$ref": "#/$defs/name", "description": "the model that it is claimed to be ahead of"},
        "epochs": {
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000_000,
            "description": "of measure: early_error, which is the mean error over so many first epochs",
        },
        "published": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"$ref": "#/$defs/positive"},
            "description": "values of model and than in the paper, in %, seconds or counts",
        },
        "within": {
            "$ref": "#/$defs/positive",
            "description": "of measure: accuracy; claimed is a difference of so many points at most, not who is ahead",
        },
    },
    "allOf": [
        {
            "if": {"required": ["measure"], "properties": {"measure": {"const": "early_error"}}},
            "then": {"required": ["epochs"]},
            "else": {"properties": {"epochs": {"not": {}, "message": "possible with measure: early_error only"}}},
        },
        {
            "if": {"not": {"properties": {"measure": {"const": "accuracy"}}}},
            "then": {"properties": {"within": {"not": {}, "message": "possible with measure: accuracy only"}}},
        },
    ],
}


class Claims(TableKind[ClaimsSpec]):
    """One row a claim: both models' values, the difference with its interval, the claimed one, and a verdict.

    With several seeds the interval is over the seeds that both models share. With one seed it is over images, which
    says nothing of the models, only of these two networks: such a claim counts as not testable.
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
            "additionalProperties": _CLAIM,
        },
        "published": {"not": {}, "message": "not possible with kind: claims, each of which has its own"},
    }
    files = (layout.EVAL, layout.PREDICTIONS, layout.HISTORY)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        runs = [run for claim in stanza["claims"].values() for run in selection.runs(_sides(claim), seeds)]
        return list(dict.fromkeys(runs))

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        for name, claim in stanza["claims"].items():
            yield from _check(f"{key}.claims.{name}", claim, config)

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        claims = [_details(name, claim, study) for name, claim in sorted(stanza["claims"].items())]
        return {"claims": claims, "seeds": study.config["seeds"]}

    def caption(self, spec: ClaimsSpec) -> str:
        return (
            f"{spec.caption}. One row a claim, {captions.seeds(spec.seeds)}: both models' values, and what they show."
        )

    def read(self, results: str, spec: ClaimsSpec) -> pd.DataFrame:
        return evaluations_in_detail(results, spec.runs)

    def build(self, spec: ClaimsSpec, runs: pd.DataFrame) -> Table:
        rows = [_row(spec, claim, runs) for claim in spec.claims]
        columns = {
            "Claim": [claim.claim for claim in spec.claims],
            "Where": [claim.source for claim in spec.claims],
            "Here": [_shown_values(claim, row) for claim, row in zip(spec.claims, rows, strict=True)],
            "Difference [95%]": [_shown_difference(row) for row in rows],
            "Claimed": [_shown_claimed(claim, row) for claim, row in zip(spec.claims, rows, strict=True)],
            "Seeds": [count(row["seeds"], len(spec.seeds)) for row in rows],
            "Images": [number(row["images"], ",.0f") for row in rows],
            "Verdict": [row["verdict"] for row in rows],
        }
        data = pd.DataFrame(rows)
        data["images"] = data["images"].astype("Int64")
        return Table(data, pd.DataFrame(columns), spec.caption, _notes(spec, rows) + trained(runs), spec.name)


KIND = Claims()


def _sides(claim: dict) -> dict:
    """A claim of the config as a selection of runs."""
    return {"datasets": [claim["dataset"]], "split": claim["split"], "models": [claim["model"], claim["than"]]}


def _check(key: str, claim: dict, config: dict) -> Iterator[str]:
    yield from unknown(f"{key}.dataset", claim["dataset"], config["datasets"])
    for side in ("model", "than"):
        yield from unknown(f"{key}.{side}", claim[side], config["models"])
    known = [claim[side] for side in ("model", "than") if claim[side] in config["models"]]
    yield from selection.untrainable(key, known, claim["split"], [claim["dataset"]], config)
    if claim["model"] == claim["than"]:
        yield f"{key}.than: '{claim['than']}' is the same model"


def _details(name: str, claim: dict, study: Study) -> dict:
    """The fields of a :class:`Claim`, in plain values."""
    recipes = study.config["recipes"]
    trained = {side: study.recipe(claim[side], claim["dataset"])["epochs"] for side in ("model", "than")}
    whole = {side: recipes[study.config["models"][claim[side]]["recipe"]]["epochs"] for side in trained}
    shorter = min(trained, key=lambda side: (trained[side], whole[side]))
    return {
        "name": name,
        **{key: claim[key] for key in ("claim", "source", "measure", "split")},
        **{key: claim.get(key) for key in ("epochs", "within", "published")},
        "dataset": selection.labelled("datasets", claim["dataset"], study.config),
        **{side: selection.labelled("models", claim[side], study.config) for side in trained},
        "trained": trained[shorter],
        "schedule": whole[shorter],
    }


def _row(spec: ClaimsSpec, claim: Claim, runs: pd.DataFrame) -> dict:
    measure = MEASURES[claim.measure]
    of_both = runs[(runs["dataset"] == claim.dataset.name) & (runs["split"] == claim.split)]
    ours, theirs = (
        of_both[of_both["model"] == getattr(claim, side).name].set_index("seed").sort_index()
        for side in ("model", "than")
    )
    shared = ours.index.intersection(theirs.index)
    ours, theirs = ours.loc[shared], theirs.loc[shared]
    values = [[measure.value(run, claim.epochs) for _, run in side.iterrows()] for side in (ours, theirs)]
    mean = [float(np.mean(side)) if side else math.nan for side in values]
    low = high = math.nan
    if measure.sampled and len(shared) > 1:
        _, low, high = paired_difference(values[0], values[1])
    elif claim.measure == "accuracy" and len(shared) == 1:
        _, low, high = images_difference(ours["right"].iloc[0], theirs["right"].iloc[0])
    row = {
        "claim": claim.name,
        "measure": claim.measure,
        "dataset": claim.dataset.name,
        "split": claim.split,
        "model": claim.model.name,
        "than": claim.than.name,
        "model_value": mean[0],
        "than_value": mean[1],
        "difference": measure.difference(*mean),
        "difference_low": low,
        "difference_high": high,
        "claimed": measure.difference(*claim.published) if claim.published else math.nan,
        "seeds": len(shared),
        "seeds_expected": len(spec.seeds),
        "images": int(ours["n"].iloc[0]) if len(shared) else math.nan,
    }
    return row | {"verdict": _verdict(row, measure, claim)}


def _verdict(row: dict, measure: Measure, claim: Claim) -> str:
    if not row["seeds"]:
        return "not run yet"
    ahead = row["difference"] if measure.higher else -row["difference"]
    if not measure.sampled:
        return "reproduced" if ahead > 0 else "not reproduced"
    short = _reservation(claim)
    if row["seeds"] == 1:
        return f"not testable with one seed{short}"
    low, high = row["difference_low"], row["difference_high"]
    if claim.within:
        return _similar(low, high, claim.within) + short
    found = verdict(ahead, *((low, high) if measure.higher else (-high, -low)))
    return _FOUND.get(found, found) + short


def _reservation(claim: Claim) -> str:
    """Over what part of the schedule a verdict speaks; nothing for all of it."""
    if claim.epochs:
        return f", over the first {claim.epochs} epochs" if claim.epochs > 1 else ", over the first epoch"
    return f", after {claim.trained} of {claim.schedule} epochs" if claim.trained < claim.schedule else ""


_FOUND = {
    "better": "reproduced",
    "worse": "contradicted",
    "no difference shown": "not reproduced: no difference shown",
}
"""From what a comparison shows to what that says of a claim."""


def _similar(low: float, high: float, within: float) -> str:
    """Two one-sided tests: similar where the whole interval lies within the bounds."""
    if -within <= low and high <= within:
        return "reproduced"
    return "contradicted" if low > within or high < -within else "not reproduced: the interval is too wide to tell"


def _shown_values(claim: Claim, row: dict) -> str:
    if not row["seeds"]:
        return NONE
    shown = MEASURES[row["measure"]].shown
    return f"{claim.model.label} {shown(row['model_value'])}, {claim.than.label} {shown(row['than_value'])}"


def _shown_difference(row: dict) -> str:
    measure = MEASURES[row["measure"]]
    return interval(row["difference"], row["difference_low"], row["difference_high"], measure.form, measure.unit)


def _shown_claimed(claim: Claim, row: dict) -> str:
    measure = MEASURES[row["measure"]]
    text = interval(row["claimed"], math.nan, math.nan, measure.form, measure.unit)
    return text + (f" (within ±{claim.within:g})" if claim.within else "")


def _notes(spec: ClaimsSpec, rows: list[dict]) -> list[str]:
    notes = []
    if any(row["seeds"] > 1 for row in rows):
        notes.append(
            "Difference with several seeds: mean over the seeds that both models share, with its 95% interval "
            "(paired t). Of equal models, about one comparison in twenty looks different by chance."
        )
    if any(row["seeds"] == 1 and MEASURES[row["measure"]].sampled for row in rows):
        notes.append(
            "One seed tells nothing of the spread from training to training. Its interval, where there is one, is over "
            "images (Agresti and Min 2005): it says whether these two networks differ, not whether the models do."
        )
    return notes
