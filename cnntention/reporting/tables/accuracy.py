"""Tables of accuracy (Tables 2 and 3): one row for each dataset and model."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.base.words import NONE, duration
from cnntention.data.split import judging_part
from cnntention.reporting import captions, controls, over_images, selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.notes import imported, incomplete, trained
from cnntention.reporting.runs import evaluations_in_detail
from cnntention.reporting.selection import Labelled, Selection
from cnntention.reporting.statistics.comparison import Comparison, Judgement, compare, judge
from cnntention.reporting.statistics.seeds import mean_std
from cnntention.reporting.statistics.verdict import Verdict
from cnntention.reporting.table import Table, count, interval, number, spread, without_empty
from cnntention.reporting.tables.kind import TableKind, TableSpec


@dataclasses.dataclass(frozen=True)
class Published:
    """What is published about a model on a dataset.

    Attributes:
        accuracy: in percent.
        hours: of its training.
    """

    accuracy: float
    hours: float | None = None


@dataclasses.dataclass(frozen=True)
class AccuracySpec(TableSpec, Selection):
    """What a table of accuracy depends on.

    Attributes:
        reference: the model that the others are compared with, seed by seed; None: no comparison.
        published: by dataset and model.
        stands_for: by control, the models of the table that it stands for.
    """

    reference: str | None
    published: dict[str, dict[str, Published]]
    stands_for: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def published_of(self, dataset: Labelled, model: Labelled) -> Published | None:
        """What is published about a model on a dataset."""
        return self.published.get(dataset.name, {}).get(model.name)


class Accuracy(TableKind[AccuracySpec]):
    """Accuracy over seeds, with the paper's value and the difference to a reference beside it."""

    spec_class = AccuracySpec
    required = tuple(selection.KEYS)
    keys = selection.KEYS | {
        "reference": {
            "$ref": "#/$defs/name",
            "description": "the model that the others are compared with, seed by seed; without it, no comparison",
        },
        "published": selection.published_keys(
            {
                "required": ["accuracy"],
                "properties": {
                    "accuracy": {"type": "number", "minimum": 0, "maximum": 100, "description": "in %"},
                    "hours": {"$ref": "#/$defs/positive", "description": "of its training"},
                },
            }
        ),
    }

    files = (layout.EVAL, layout.HISTORY, layout.PREDICTIONS)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        if "reference" in stanza and stanza["reference"] not in stanza["models"]:
            yield f"{key}.reference: '{stanza['reference']}' is not one of the table's models"
        yield from selection.unknown_published(f"{key}.published", stanza["published"], given)

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        own = {
            "reference": stanza.get("reference"),
            "published": selection.published(stanza),
            "stands_for": controls.of_models(stanza["models"], study.config),
        }
        return selection.selected(stanza, study.config) | own

    def caption(self, spec: AccuracySpec) -> str:
        text = f"{spec.caption}. One row for each dataset and model, {captions.seeds(spec.seeds)}."
        if spec.reference:
            text += " Δ: the difference over shared seeds; the verdict says in words what it shows."
        accuracies = {
            dataset: {model: values.accuracy for model, values in models.items()}
            for dataset, models in spec.published.items()
        }
        return text + captions.published(spec, accuracies, "accuracy")

    def read(self, results: str, spec: AccuracySpec) -> pd.DataFrame:
        return evaluations_in_detail(results, spec.runs)

    def build(self, spec: AccuracySpec, runs: pd.DataFrame) -> Table:
        pairs = [(dataset, model) for dataset in spec.datasets for model in spec.models]
        rows = [_row(spec, dataset, model, runs[runs["dataset"] == dataset.name]) for dataset, model in pairs]
        _judge(rows, [_comparison(spec, dataset, model, runs) for dataset, model in pairs])
        for row in rows:
            of_dataset = runs[runs["dataset"] == row["dataset"]].set_index("seed")
            row |= over_images.over_images(spec.name, row["model"], spec.reference, of_dataset)
        counts = ["images", "parameters", "multiply_adds", "seeds_for_published", "seeds_for_found"]
        data = pd.DataFrame(rows)
        data[counts] = data[counts].astype("Int64")  # whole numbers stay whole beside missing ones
        subset = judging_part(spec.split)
        columns = {
            "Dataset": [dataset.label for dataset, _ in pairs],
            "Model": [model.label for _, model in pairs],
            f"{subset.capitalize()} accuracy (%)": [_shown_accuracy(row) for row in rows],
            "Paper (%)": [number(row["published"], ".2f") for row in rows],
            "Difference": [number(row["difference"], "+.2f") for row in rows],
        }
        if spec.reference:
            columns[f"Δ to {_label_of_reference(spec)}"] = [_shown_comparison(row) for row in rows]
            columns |= over_images.columns(rows)
            columns["Verdict"] = [row["verdict"] or NONE for row in rows]
        columns |= {
            "Seeds": [count(row["seeds"], row["seeds_expected"]) for row in rows],
            "Images": [number(row["images"], ",.0f") for row in rows],
            "Duration": [duration(3600 * row["hours"]) for row in rows],
            "Paper's duration": [duration(3600 * row["published_hours"]) for row in rows],
            "Parameters": [number(row["parameters"], ",.0f") for row in rows],
        }
        rare = ("Paper (%)", "Difference", "Duration", "Paper's duration", *over_images.columns([]))
        shown = without_empty(columns, rare)
        return Table(data, shown, spec.caption, _notes(spec, runs, rows, subset), spec.name)


KIND = Accuracy()


def _label_of_reference(spec: AccuracySpec) -> str:
    return next(model.label for model in spec.models if model.name == spec.reference)


def _row(spec: AccuracySpec, dataset: Labelled, model: Labelled, runs: pd.DataFrame) -> dict:
    own = runs[runs["model"] == model.name].set_index("seed")
    published = spec.published_of(dataset, model)
    row: dict[str, Any] = {
        "dataset": dataset.name,
        "model": model.name,
        "split": spec.split,
        "accuracy": math.nan,
        "accuracy_std": math.nan,
        "seeds": len(own),
        "seeds_expected": len(spec.seeds),
        "images": math.nan,
        "published": published.accuracy if published else math.nan,
        "difference": math.nan,
        "hours": math.nan,
        "published_hours": published.hours if published and published.hours else math.nan,
        "parameters": math.nan,
        "multiply_adds": math.nan,
    }
    if own.empty:
        return row
    row["accuracy"], row["accuracy_std"] = mean_std(own["accuracy"])
    row["difference"] = row["accuracy"] - row["published"]
    row["hours"] = pd.to_numeric(own["seconds"]).mean() / 3600
    row["images"], row["parameters"], row["multiply_adds"] = (
        int(own[column].iloc[0]) for column in ("n", "parameters", "multiply_adds")
    )
    return row


def _comparison(spec: AccuracySpec, dataset: Labelled, model: Labelled, runs: pd.DataFrame) -> Comparison | None:
    """Of a model with the reference; None for the reference itself, or without one."""
    if spec.reference in (None, model.name):
        return None
    on_dataset = runs[runs["dataset"] == dataset.name]
    ours, theirs = (
        on_dataset[on_dataset["model"] == name].set_index("seed")["accuracy"] for name in (model.name, spec.reference)
    )
    shared = ours.index.intersection(theirs.index)
    published = spec.published.get(dataset.name, {})
    known = [published[name].accuracy for name in (model.name, spec.reference) if name in published]
    claimed = known[0] - known[1] if len(known) == 2 else math.nan
    return compare(list(ours[shared]), list(theirs[shared]), claimed)


def _judge(rows: list[dict], comparisons: list[Comparison | None]) -> None:
    """Fill in what the comparisons of a table show; the fields stay empty where there is none."""
    judgements = iter(judge([comparison for comparison in comparisons if comparison]))
    for row, comparison in zip(rows, comparisons, strict=True):
        judgement = next(judgements) if comparison else None
        row |= {
            "to_reference": comparison.difference if comparison else math.nan,
            "to_reference_low": comparison.low if comparison else math.nan,
            "to_reference_high": comparison.high if comparison else math.nan,
            "shared_seeds": comparison.seeds if comparison else 0,
            "p": judgement.p if judgement else math.nan,
            "power": judgement.power if judgement else math.nan,
            "seeds_for_published": judgement.for_claimed if judgement else None,
            "seeds_for_found": judgement.for_found if judgement else None,
            "verdict": _words(comparison, judgement) if comparison and judgement else "",
        }


def _words(comparison: Comparison, judgement: Judgement) -> str:
    named = {Verdict.VERIFIED: "better", Verdict.CONTRADICTED: "worse"}
    return comparison.untestable or named.get(judgement.verdict, judgement.words)


def _shown_accuracy(row: dict) -> str:
    return spread(row["accuracy"], row["accuracy_std"], ".2f") if row["seeds"] else "missing"


def _shown_comparison(row: dict) -> str:
    return interval(row["to_reference"], row["to_reference_low"], row["to_reference_high"], "+.2f")


def _notes(spec: AccuracySpec, runs: pd.DataFrame, rows: list[dict], subset: str) -> list[str]:
    seeds = ", ".join(map(str, spec.seeds))
    if len(spec.seeds) > 1:
        notes = [f"Mean ± standard deviation over seeds {seeds}; final-epoch weights; Images: {subset} images."]
        if spec.reference:
            notes.append(f"Δ to {_label_of_reference(spec)}: mean over shared seeds with its 95% interval (paired t).")
            notes += over_images.notes(rows)
            if any(not math.isnan(row["p"]) for row in rows):
                notes.append(
                    "Verdict: of a paired t-test at 0.05 for all comparisons of the table together (Holm). Seeds "
                    "needed: they show the paper's Δ with 80% power, or the Δ found here where the paper has none or "
                    "so many seeds are there already; the spread found here is taken for the true one."
                )
    elif len(runs) and imported(runs).all():
        notes = [f"One network of each model, so nothing is known of the spread; Images: {subset} images."]
        notes += over_images.notes(rows)
    else:
        notes = [
            f"One seed ({seeds}), so nothing is known of the spread; final-epoch weights; Images: {subset} images."
        ]
        notes += over_images.notes(rows)
    notes += controls.nearness(spec.models, spec.stands_for, rows)
    return notes + trained(runs) + incomplete(row["seeds"] == row["seeds_expected"] for row in rows)
