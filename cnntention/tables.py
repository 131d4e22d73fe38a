"""Tables: a spec and a data frame in, a table out; and the table as Markdown, CSV, LaTeX and HTML."""

import dataclasses
import math
from typing import Any

import pandas as pd
from tabulate import tabulate

from cnntention import pages
from cnntention.files import write_text
from cnntention.statistics import mean_std, paired_difference

NONE = "–"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, as numbers and for reading.

    Attributes:
        data: one row a line, plain numbers and names: the CSV.
        shown: the same for reading, as text.
        caption: one line.
        notes: below the table.
        name: for LaTeX's label.
    """

    data: pd.DataFrame
    shown: pd.DataFrame
    caption: str
    notes: list[str]
    name: str

    def write(self, stem: str) -> None:
        """Write ``stem`` + ``.md``, ``.csv``, ``.tex`` and ``.html``."""
        texts = {".md": self.markdown(), ".csv": self.csv(), ".tex": self.latex(), ".html": self.html()}
        for suffix, text in texts.items():
            write_text(stem + suffix, text)

    def markdown(self) -> str:
        """GitHub's Markdown: caption, table, notes."""
        shown = self.shown.map(lambda cell: cell.replace("|", "\\|")).rename(
            columns=lambda name: name.replace("|", "\\|")
        )
        body = tabulate(shown, headers="keys", tablefmt="github", showindex=False, disable_numparse=True)
        return "\n\n".join([f"**{self.caption}**", body, *self.notes]) + "\n"

    def csv(self) -> str:
        """Comma-separated plain numbers, empty where there is none."""
        return self.data.to_csv(index=False, float_format="%.6g", lineterminator="\n")

    def latex(self) -> str:
        """A table environment for the package booktabs."""
        body = tabulate(self.shown, headers="keys", tablefmt="latex_booktabs", showindex=False, disable_numparse=True)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escape(self.caption)}. {_escape(' '.join(self.notes))}}}",
            rf"\label{{tab:{self.name}}}",
            body,
            r"\end{table}",
        ]
        text = "\n".join(lines) + "\n"
        for symbol, command in (("±", r"$\pm$"), ("–", "--"), ("Δ", r"$\Delta$")):
            text = text.replace(symbol, command)
        return text

    def html(self) -> str:
        """A page: caption, table, notes."""
        return pages.page(self.caption, pages.table(self.shown), pages.paragraphs(self.notes))


def build(spec: dict, runs: pd.DataFrame) -> Table:
    """The table of a spec, by its ``kind``.

    Args:
        spec: see :meth:`cnntention.study.Study.table_spec`.
        runs: see :func:`cnntention.results.evaluations`; not used by a table of recipes.
    """
    return recipes(spec) if spec["kind"] == "recipes" else accuracy(spec, runs)


_LATEX = str.maketrans(
    {symbol: "\\" + symbol for symbol in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)


def _escape(text: str) -> str:
    return text.translate(_LATEX)


# ---- accuracy (Tables 2 and 3)


def accuracy(spec: dict, runs: pd.DataFrame) -> Table:
    """Accuracy over seeds, one row a dataset and model, with the paper's value and the difference beside it.

    A row whose runs are not all there says so in the table itself.

    Args:
        spec: see :meth:`cnntention.study.Study.table_spec`.
        runs: see :func:`cnntention.results.evaluations`.
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
    subset = "validation" if spec["split"] == "tune" else "test"
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
        "Seeds": [_shown_seeds(row) for row in rows],
        "Images": [number(row["images"], ",.0f") for row in rows],
        "Duration": [duration(row["hours"]) for row in rows],
        "Paper's duration": [duration(row["published_hours"]) for row in rows],
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
    if not row["seeds"]:
        return "missing"
    spread = "" if math.isnan(row["accuracy_std"]) else f" ± {row['accuracy_std']:.2f}"
    return f"{row['accuracy']:.2f}{spread}"


def _shown_comparison(row: dict) -> str:
    if math.isnan(row["to_reference_low"]):
        return number(row["to_reference"], "+.2f")
    return f"{row['to_reference']:+.2f} [{row['to_reference_low']:+.2f}, {row['to_reference_high']:+.2f}]"


def _shown_seeds(row: dict) -> str:
    if row["seeds"] == row["seeds_expected"]:
        return str(row["seeds"])
    return f"{row['seeds']} of {row['seeds_expected']}, incomplete"


def number(value: float, form: str) -> str:
    """A number in a format, or a dash where there is none."""
    return NONE if math.isnan(value) else format(value, form)


def duration(hours: float) -> str:
    """Hours in the unit that suits them."""
    if math.isnan(hours):
        return NONE
    if hours < 2 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.1f} h"


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
    if not runs.empty:
        epochs = sorted(set(runs["epochs"]))
        trained = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
        trained += " epoch" if epochs == [1] else " epochs"
        devices = sorted(set(runs["device"] + " in " + runs["precision"]))
        notes.append(f"Trained for {trained}; duration of one training on {', '.join(devices)}.")
    incomplete = sum(row["seeds"] < row["seeds_expected"] for row in rows)
    if incomplete:
        notes.append(f"INCOMPLETE: {incomplete} of {len(rows)} rows lack runs of this config.")
    return notes


# ---- recipes (Table 1)

_RECIPE_COLUMNS = {
    "optimizer": "Optimiser",
    "lr": "Learning rate",
    "momentum": "Momentum",
    "weight_decay": "Weight decay",
    "batch_size": "Batch size",
    "epochs": "Epochs",
    "milestones": "Milestones",
    "gamma": "Gamma",
    "early_stopping": "Early stopping",
}


def recipes(spec: dict) -> Table:
    """Hyperparameters of the runs, one row a model; a value that differs from the published run's shows both.

    Args:
        spec: see :meth:`cnntention.study.Study.table_spec`.
    """
    data, shown = [], []
    for model in spec["models"]:
        published = spec["published"].get(model["name"], {})
        used = {key: model["recipe"].get(key) for key in _RECIPE_COLUMNS}
        data.append(
            {"model": model["name"]}
            | {key: _setting(value) for key, value in used.items()}
            | {f"published_{key}": _setting(published.get(key)) for key in _RECIPE_COLUMNS}
        )
        cells = {"Model": model["label"]}
        for key, title in _RECIPE_COLUMNS.items():
            cells[title] = _setting(used[key]) or NONE
            if published.get(key, used[key]) != used[key]:
                cells[title] += f" (paper: {_setting(published[key])})"
        shown.append(cells)
    notes = ["Where a published run used another value, it stands in brackets."] if spec["published"] else []
    return Table(pd.DataFrame(data), pd.DataFrame(shown), spec["caption"], notes, spec["name"])


def _setting(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return {"sgd": "SGD", "adam": "Adam"}.get(value, f"{value:g}" if isinstance(value, float) else str(value))
