"""What a finished run left behind, without pandas: its history, and the evaluation that belongs to it.

For readers that pass over what is missing or damaged. Tables and figures must not, and go through
:mod:`cnntention.reporting.results`.
"""

import csv
import json
import math
import os
from pathlib import Path

_EPOCH = {"epoch", "lr", "train_error", "validation_error", "test_error", "seconds"}


def history(path: str | os.PathLike) -> list[dict[str, float | None]]:
    """The rows of a ``history.csv``, empty fields as None; no rows of a file that is missing or damaged."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [
                {key: float(value) if value else None for key, value in row.items()}
                for row in csv.DictReader(file, strict=True)
            ]
    except (OSError, csv.Error, ValueError, TypeError, AttributeError):
        return []
    whole = all(row.keys() >= _EPOCH and None not in (row["train_error"], row["seconds"]) for row in rows)
    return rows if whole else []


def evaluation(path: str | os.PathLike, history: list[dict]) -> dict | None:
    """The content of an ``eval.json``; None where it is missing, damaged, or of another training than the history.

    A run that was trained again keeps its old evaluation for a while; the time that each epoch took tells them apart.
    """
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        training = report["training"]
        seconds = sum(row["seconds"] for row in history)
        same = training["epochs"] == len(history) and math.isclose(training["seconds"], seconds, abs_tol=1e-6)
        sound = isinstance(report["spec"], dict) and isinstance(training["device"], str)
        return report if same and sound else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
