"""Tables of errors on corrupted images, beside those of a reference model."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from cnntention.base import specs
from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.base.words import NONE
from cnntention.reporting import captions, selection
from cnntention.reporting.instruments import results as measured
from cnntention.reporting.instruments.spec import MeasuredBy, Measurements, measured_by
from cnntention.reporting.kinds import Study
from cnntention.reporting.notes import imported_runs, incomplete
from cnntention.reporting.selection import Selection
from cnntention.reporting.statistics.seeds import mean_std, paired_difference
from cnntention.reporting.table import Table, count, interval, number, spread, without_empty
from cnntention.reporting.tables.kind import TableKind, TableSpec

INSTRUMENT = "corruptions"
CLEAN, ALL, MEAN = "none", "all", "mean error"
"""What the instrument calls the images as they are, the mean of all corruptions, and that of all strengths."""
COLUMNS = ("dataset", "model", "seed", "images", "imported", CLEAN, ALL)
"""Of what :meth:`Robustness.read` returns; the others are corruptions."""


@dataclasses.dataclass(frozen=True)
class RobustnessSpec(TableSpec, Selection):
    """What a table of errors on corrupted images depends on.

    Attributes:
        instrument: by which they are measured.
        reference: the model that others are compared with.
    """

    instrument: MeasuredBy
    reference: str


class Robustness(TableKind[RobustnessSpec]):
    """One row for each dataset and model: the error on images as they are, the mean error on corrupted ones, how it
    compares with the reference's, and the mean error of each corruption.

    Relative error: the mean over corruptions of the model's error, summed over strengths, by the reference's (the mCE
    of Hendrycks & Dietterich 2019, section 4.1, with a reference of one's own).
    """

    spec_class = RobustnessSpec
    required = (*selection.KEYS, "instrument", "reference")
    keys = selection.KEYS | {
        "instrument": {"$ref": "#/$defs/name", "description": f"of instruments, of kind {INSTRUMENT}"},
        "reference": {"$ref": "#/$defs/name", "description": "of models: the one that others are compared with"},
    }

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def instruments(self, stanza: dict) -> list[str]:
        return [stanza["instrument"]]

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        yield from unknown(f"{key}.reference", stanza["reference"], stanza["models"])
        if config["instruments"].get(stanza["instrument"], {}).get("kind") != INSTRUMENT:
            yield f"{key}.instrument: no instrument '{stanza['instrument']}' of kind {INSTRUMENT} in instruments"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        own = {"reference": stanza["reference"]}
        own |= {"instrument": specs.plain(measured_by(stanza["instrument"], study.config))}
        return own | selection.selected(stanza, study.config)

    def caption(self, spec: RobustnessSpec) -> str:
        return (
            f"{spec.caption}. One row a dataset and model, {captions.seeds(spec.seeds)}: error on images as they are, "
            "and on corrupted ones, mean over five strengths."
        )

    def read(self, results: str, spec: RobustnessSpec) -> pd.DataFrame:
        """One row a run: ``dataset``, ``model``, ``seed``, ``images``, ``imported`` (of a network that was trained
        elsewhere, its weights; else None), and the mean error of each corruption."""
        of = Measurements(spec.instrument.name, spec.instrument.instrument, spec.runs)
        found = measured.read(results, of)
        means = found.numbers[found.numbers["name"] == MEAN]
        if means.empty:
            return pd.DataFrame(columns=COLUMNS)
        kinds = list(dict.fromkeys(means["corruption"]))
        table = means.pivot(index=["dataset", "model", "seed", "images"], columns="corruption", values="value")
        table = table[kinds].reset_index()
        origins = [
            found.imported.get(f"{model} on {dataset}")
            for model, dataset in zip(table["model"], table["dataset"], strict=True)
        ]
        return table.assign(imported=pd.Series(origins, index=table.index, dtype=object))

    def build(self, spec: RobustnessSpec, runs: pd.DataFrame) -> Table:
        pairs = [(dataset, model) for dataset in spec.datasets for model in spec.models]
        kinds = [kind for kind in runs.columns if kind not in COLUMNS]
        rows = [_row(spec, dataset.name, model.name, runs, kinds) for dataset, model in pairs]
        reference = next(model.label for model in spec.models if model.name == spec.reference)
        shown: dict[str, list[str]] = {
            "Dataset": [dataset.label for dataset, _ in pairs],
            "Model": [model.label for _, model in pairs],
            "Error (%)": [spread(row["error"], row["error_std"], ".2f") for row in rows],
            "Corrupted (%)": [spread(row["corrupted"], row["corrupted_std"], ".2f") for row in rows],
            f"Δ to {reference}": [_difference(row, "difference", "+.2f") for row in rows],
            f"By {reference}'s (%)": [_difference(row, "relative", ".1f") for row in rows],
            **{kind.capitalize(): [number(row[kind], ".1f") for row in rows] for kind in kinds},
            "Seeds": [count(row["seeds"], row["seeds_expected"]) for row in rows],
        }
        notes = _notes(spec, reference, runs) + imported_runs(runs)
        notes += incomplete(row["seeds"] == row["seeds_expected"] for row in rows)
        frame = without_empty(shown, {f"Δ to {reference}", f"By {reference}'s (%)"})
        return Table(pd.DataFrame(rows), frame, spec.caption, notes, spec.name)


KIND = Robustness()


def _row(spec: RobustnessSpec, dataset: str, model: str, runs: pd.DataFrame, kinds: list[str]) -> dict:
    own = runs[(runs["dataset"] == dataset) & (runs["model"] == model)].set_index("seed").sort_index()
    row: dict[str, Any] = {"dataset": dataset, "model": model, "split": spec.split}
    row |= {"seeds": len(own), "seeds_expected": len(spec.seeds)}
    for key, kind in (("error", CLEAN), ("corrupted", ALL)):
        row[key], row[f"{key}_std"] = mean_std(own[kind]) if len(own) else (math.nan, math.nan)
    others = runs[(runs["dataset"] == dataset) & (runs["model"] == spec.reference)].set_index("seed").sort_index()
    shared = own.index.intersection(others.index)
    for key in ("difference", "relative"):
        row |= dict.fromkeys((key, f"{key}_low", f"{key}_high"), math.nan)
    if len(shared) and model != spec.reference:
        mine, theirs = own.loc[shared], others.loc[shared]
        found = {"difference": paired_difference(mine[ALL], theirs[ALL])}
        if (theirs[kinds] > 0).all(axis=None):
            found["relative"] = paired_difference(100 * (mine[kinds] / theirs[kinds]).mean(axis=1), [0.0] * len(shared))
        for key, (value, low, high) in found.items():
            row |= {key: value, f"{key}_low": low, f"{key}_high": high}
    return row | {kind: own[kind].mean() if len(own) else math.nan for kind in kinds}


def _difference(row: dict, key: str, form: str) -> str:
    return NONE if math.isnan(row[key]) else interval(row[key], row[f"{key}_low"], row[f"{key}_high"], form)


def _notes(spec: RobustnessSpec, reference: str, runs: pd.DataFrame) -> list[str]:
    images = " or ".join(f"{each:,}" for each in sorted(set(runs["images"]))) or "no"
    several = ", in brackets its 95% interval by t over seeds that both have" if len(spec.seeds) > 1 else ""
    return [
        f"On {images} images. Corrupted: mean error over all corruptions and strengths. Δ: in points{several}. By "
        f"{reference}'s: each corruption's error by that of {reference}, mean over corruptions; 100 is as sturdy."
    ]
