"""Tables of what models cost beside what they reach: size, training, and answering."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from cnntention.base.layout import Run
from cnntention.data.split import judging_part
from cnntention.reporting import captions, costs, selection
from cnntention.reporting.instruments.spec import MeasuredBy
from cnntention.reporting.kinds import Study
from cnntention.reporting.notes import incomplete, trained
from cnntention.reporting.selection import Selection
from cnntention.reporting.statistics.seeds import mean_std
from cnntention.reporting.table import Table, count, number, spread, without_empty
from cnntention.reporting.tables.kind import TableKind, TableSpec

MEASURED = {
    "latency_1": ("Latency, one image (ms)", ".3g"),
    "latency_128": ("Latency, 128 images (ms)", ".3g"),
    "throughput_128": ("Throughput, 128 images (images/s)", ",.0f"),
    "memory_128": ("Memory, 128 images (MB)", ".3g"),
}
"""Title and format of what is measured at run time. The throughput of single images is that of their latency."""
TRAINING = "Training (images/s)"


@dataclasses.dataclass(frozen=True)
class CostSpec(TableSpec, Selection):
    """What a table of costs depends on.

    Attributes:
        latency: by which instrument it is measured; None: by none.
    """

    latency: MeasuredBy | None


class CostTable(TableKind[CostSpec]):
    """One row for each dataset and model: parameters, multiply-adds, and means over seeds of what takes time."""

    spec_class = CostSpec
    required = tuple(selection.KEYS)
    keys = selection.KEYS | costs.KEY
    files = costs.FILES

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def instruments(self, stanza: dict) -> list[str]:
        return costs.instruments(stanza)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        yield from costs.problems(key, stanza, config)

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        return selection.selected(stanza, study.config) | costs.details(stanza, study)

    def caption(self, spec: CostSpec) -> str:
        what = "; time and memory of an answer as measured" if spec.latency else ""
        return (
            f"{spec.caption}. One row a dataset and model, {captions.seeds(spec.seeds)}: parameters, multiply-adds of "
            f"one image, accuracy, images a second in training{what}."
        )

    def read(self, results: str, spec: CostSpec) -> pd.DataFrame:
        return costs.read(results, spec.runs, spec.latency)

    def build(self, spec: CostSpec, runs: pd.DataFrame) -> Table:
        pairs = [(dataset, model) for dataset in spec.datasets for model in spec.models]
        rows = [_row(spec, dataset.name, model.name, runs) for dataset, model in pairs]
        columns = {
            "Dataset": [dataset.label for dataset, _ in pairs],
            "Model": [model.label for _, model in pairs],
            "Parameters": [number(row["parameters"], ",.0f") for row in rows],
            "Multiply-adds (M)": [number(row["multiply_adds"] / 1e6, ".1f") for row in rows],
            f"{judging_part(spec.split).capitalize()} accuracy (%)": [
                spread(row["accuracy"], row["accuracy_std"], ".2f") for row in rows
            ],
            TRAINING: [number(row["training_images_per_s"], ",.0f") for row in rows],
            **{title: [number(row[key], form) for row in rows] for key, (title, form) in MEASURED.items()},
            "Seeds": [count(row["seeds"], row["seeds_expected"]) for row in rows],
        }
        shown = without_empty(columns, {TRAINING, *(title for title, _ in MEASURED.values())})
        complete = incomplete(row["seeds"] == row["seeds_expected"] for row in rows)
        return Table(pd.DataFrame(rows), shown, spec.caption, _notes(runs) + complete, spec.name)


KIND = CostTable()


def _row(spec: CostSpec, dataset: str, model: str, runs: pd.DataFrame) -> dict:
    own = runs[(runs["dataset"] == dataset) & (runs["model"] == model)]
    row: dict[str, Any] = {"dataset": dataset, "model": model, "split": spec.split}
    row |= {"seeds": len(own), "seeds_expected": len(spec.seeds)}
    row |= {key: own[key].iloc[0] if len(own) else math.nan for key in ("parameters", "multiply_adds")}
    row["accuracy"], row["accuracy_std"] = mean_std(own["accuracy"]) if len(own) else (math.nan, math.nan)
    row["training_images_per_s"] = 1 / own["training_s"].mean() if len(own) else math.nan
    return row | {key: own[key].mean() if len(own) else math.nan for key in MEASURED}


def _notes(runs: pd.DataFrame) -> list[str]:
    notes = [
        "Multiply-adds: of one image forward, attention's products included. Training: images of an epoch by its "
        "median time, with the evaluation after it."
    ]
    machines = sorted(set(runs["measured_on"]) - {""})
    if machines:
        notes.append(
            f"Latency and memory: of a forward pass in fp32 on {' or '.join(machines)}, mean over seeds; memory at its "
            "peak, without weights and images. They depend on the machine, and on what else it did meanwhile."
        )
    return notes + trained(runs)
