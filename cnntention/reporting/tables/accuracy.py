"""Tables of accuracy (Tables 2 and 3): a spec and evaluated runs in, a table out."""

import math

import pandas as pd

from cnntention.base.words import NONE, duration
from cnntention.data.split import judging_part
from cnntention.reporting.statistics.seeds import mean_std, paired_difference
from cnntention.reporting.tables.notes import incomplete, trained
from cnntention.reporting.tables.table import Table, count, interval, number, spread


def build(spec: dict, runs: pd.DataFrame) -> Table:
    """Accuracy over seeds, one row a dataset and model, with the paper's value and the difference beside it.

    A row whose runs are not all there says so in the table itself.

    Args:
        spec: see :meth:`cnntention.study.study.Study.table_spec`.
        runs: see :func:`cnntention.reporting.results.evaluations`.
    """
    rows = [
        _accuracy_row(spec, dataset, model, runs[runs["dataset"] == dataset["name"]])
        for dataset in spec["datasets"]
        for model in spec["models"]
    ]
    counts = ["images", "parameters", "multiply_adds"]
    data = pd.DataFrame(rows)
    data[counts] = data[counts].astype("Int64")  # whole numbers stay whole beside missing ones
    labels = {entry["name"]: entry["label"] for entry in (*spec["datasets"], *spec["models"])}
    subset = judging_part(spec["split"])
    columns = {
        "Dataset": [labels[row["dataset"]] for row in rows],
        "Model": [labels[row["model"]] for row in rows],
        f"{subset.capitalize()} accuracy (%)": [_shown_accuracy(row) for row in rows],
        "Paper (%)": [number(row["published"], ".2f") for row in rows],
        "Difference": [number(row["difference"], "+.2f") for row in rows],
    }
    if spec["reference"]:
        columns[f"Δ to {labels[spec['reference']]}"] = [_shown_comparison(row) for row in rows]
    columns |= {
        "Seeds": [count(row["seeds"], row["seeds_expected"]) for row in rows],
        "Images": [number(row["images"], ",.0f") for row in rows],
        "Duration": [duration(3600 * row["hours"]) for row in rows],
        "Paper's duration": [duration(3600 * row["published_hours"]) for row in rows],
        "Parameters": [number(row["parameters"], ",.0f") for row in rows],
    }
    return Table(
        data, _without_empty(columns), spec["caption"], _accuracy_notes(spec, runs, rows, labels, subset), spec["name"]
    )


def _without_empty(columns: dict[str, list[str]]) -> pd.DataFrame:
    """A frame without the paper's columns where the paper says nothing."""
    optional = ("Paper (%)", "Difference", "Paper's duration")
    return pd.DataFrame(
        {name: cells for name, cells in columns.items() if name not in optional or set(cells) != {NONE}}
    )


def _accuracy_row(spec: dict, dataset: dict, model: dict, runs: pd.DataFrame) -> dict:
    own = runs[runs["model"] == model["name"]].set_index("seed")
    published = spec["published"].get(dataset["name"], {}).get(model["name"], {})
    row = {
        "dataset": dataset["name"],
        "model": model["name"],
        "split": spec["split"],
        "accuracy": math.nan,
        "accuracy_std": math.nan,
        "seeds": len(own),
        "seeds_expected": len(spec["seeds"]),
        "images": math.nan,
        "published": published.get("accuracy", math.nan),
        "difference": math.nan,
        "to_reference": math.nan,
        "to_reference_low": math.nan,
        "to_reference_high": math.nan,
        "shared_seeds": 0,
        "hours": math.nan,
        "published_hours": published.get("hours", math.nan),
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
    if spec["reference"] and spec["reference"] != model["name"]:
        reference = runs[runs["model"] == spec["reference"]].set_index("seed")
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


def _accuracy_notes(spec: dict, runs: pd.DataFrame, rows: list[dict], labels: dict, subset: str) -> list[str]:
    seeds = ", ".join(map(str, spec["seeds"]))
    if len(spec["seeds"]) > 1:
        notes = [f"Mean ± standard deviation over seeds {seeds}; final-epoch weights; Images: {subset} images."]
        if spec["reference"]:
            notes.append(f"Δ to {labels[spec['reference']]}: mean over shared seeds with its 95% interval (paired t).")
    else:
        notes = [
            f"One seed ({seeds}), so nothing is known of the spread; final-epoch weights; Images: {subset} images."
        ]
    return notes + trained(runs) + incomplete(row["seeds"] == row["seeds_expected"] for row in rows)
