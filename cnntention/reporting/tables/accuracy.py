"""Tables of accuracy (Tables 2 and 3): one row for each dataset and model."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from cnntention.base.layout import Run
from cnntention.base.words import NONE, duration
from cnntention.data.split import judging_part
from cnntention.reporting import captions, selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.notes import incomplete, trained
from cnntention.reporting.selection import Labelled, Selection
from cnntention.reporting.statistics.seeds import mean_std, paired_difference
from cnntention.reporting.table import Table, count, interval, number, spread
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
    """

    reference: str | None
    published: dict[str, dict[str, Published]]

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

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        if "reference" in stanza and stanza["reference"] not in stanza["models"]:
            yield f"{key}.reference: '{stanza['reference']}' is not one of the table's models"
        yield from selection.unknown_published(f"{key}.published", stanza["published"], given)

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        own = {"reference": stanza.get("reference"), "published": selection.published(stanza)}
        return selection.selected(stanza, study.config) | own

    def caption(self, spec: AccuracySpec) -> str:
        text = f"{spec.caption}. One row for each dataset and model, {captions.seeds(spec.seeds)}."
        if spec.reference:
            text += " Δ: the difference over shared seeds; the overview says in words what it shows."
        accuracies = {
            dataset: {model: values.accuracy for model, values in models.items()}
            for dataset, models in spec.published.items()
        }
        return text + captions.published(spec, accuracies, "accuracy")

    def build(self, spec: AccuracySpec, runs: pd.DataFrame) -> Table:
        pairs = [(dataset, model) for dataset in spec.datasets for model in spec.models]
        rows = [_row(spec, dataset, model, runs[runs["dataset"] == dataset.name]) for dataset, model in pairs]
        counts = ["images", "parameters", "multiply_adds"]
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
        columns |= {
            "Seeds": [count(row["seeds"], row["seeds_expected"]) for row in rows],
            "Images": [number(row["images"], ",.0f") for row in rows],
            "Duration": [duration(3600 * row["hours"]) for row in rows],
            "Paper's duration": [duration(3600 * row["published_hours"]) for row in rows],
            "Parameters": [number(row["parameters"], ",.0f") for row in rows],
        }
        return Table(data, _without_empty(columns), spec.caption, _notes(spec, runs, rows, subset), spec.name)


KIND = Accuracy()


def _label_of_reference(spec: AccuracySpec) -> str:
    return next(model.label for model in spec.models if model.name == spec.reference)


def _without_empty(columns: dict[str, list[str]]) -> pd.DataFrame:
    """A frame without the paper's columns if the paper says nothing."""
    optional = ("Paper (%)", "Difference", "Paper's duration")
    return pd.DataFrame(
        {name: cells for name, cells in columns.items() if name not in optional or set(cells) != {NONE}}
    )


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
        "to_reference": math.nan,
        "to_reference_low": math.nan,
        "to_reference_high": math.nan,
        "shared_seeds": 0,
        "hours": math.nan,
        "published_hours": published.hours if published and published.hours else math.nan,
        "parameters": math.nan,
        "multiply_adds": math.nan,
    }
    if own.empty:
        return row
    row["accuracy"], row["accuracy_std"] = mean_std(own["accuracy"])
    row["difference"] = row["accuracy"] - row["published"]
    row["hours"] = own["seconds"].mean() / 3600
    row["images"], row["parameters"], row["multiply_adds"] = (
        int(own[column].iloc[0]) for column in ("n", "parameters", "multiply_adds")
    )
    if spec.reference and spec.reference != model.name:
        reference = runs[runs["model"] == spec.reference].set_index("seed")
        seeds = own.index.intersection(reference.index)
        row["shared_seeds"] = len(seeds)
        if len(seeds):
            row["to_reference"], row["to_reference_low"], row["to_reference_high"] = paired_difference(
                own.loc[seeds, "accuracy"], reference.loc[seeds, "accuracy"]
            )
    return row


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
    else:
        notes = [
            f"One seed ({seeds}), so nothing is known of the spread; final-epoch weights; Images: {subset} images."
        ]
    return notes + trained(runs) + incomplete(row["seeds"] == row["seeds_expected"] for row in rows)
