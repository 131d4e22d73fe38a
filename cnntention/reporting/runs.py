"""What finished runs left behind, and whether this config made it: the one reader of ``history.csv``, ``eval.json`` and
``predictions.npz``.

A file that is damaged is an error that names it; :func:`if_whole` passes over it, for those who look at a study while
it runs. A run that is missing, or was made by another config, is left out of the frames, and tables and figures
show it as missing.
"""

import csv
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from cnntention.base import layout
from cnntention.base.errors import CNNtentionError, DataError
from cnntention.base.layout import Run
from cnntention.data.split import judged_error
from cnntention.training import origin
from cnntention.training.history import COLUMNS, LATER
from cnntention.training.specs import is_imported, is_of

NAMES = ("dataset", "model", "split", "seed")
NEEDED = (
    "accuracy", "n", "seconds", "epochs", "device", "precision", "parameters", "multiply_adds", "attention", "versions",
)  # fmt: skip
"""What every evaluation has; others may stand beside it. Of a network that was trained elsewhere some are null."""

Content = TypeVar("Content")

# ---- one file


def history(path: str | os.PathLike) -> list[dict[str, float | None]]:
    """The rows of a ``history.csv``, one for each epoch; empty fields, and columns that came later, as None.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [
                {key: float(value) if value else None for key, value in row.items()}
                for row in csv.DictReader(file, strict=True)
            ]
    except (OSError, csv.Error, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: missing or damaged ({error}); train this run again") from None
    if not rows or any(not row.keys() >= set(COLUMNS) or None in (row["train_error"], row["seconds"]) for row in rows):
        raise DataError(f"{path}: damaged (columns or values are missing); train this run again")
    return [dict.fromkeys(LATER) | row for row in rows]


def evaluation(path: str | os.PathLike) -> dict:
    """The content of an ``eval.json``.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        lacking = [name for name in NEEDED if name not in report["training"] | report]
        if lacking or not isinstance(report["spec"], dict):
            raise KeyError(*lacking or ["spec"])
        return report
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path}: missing or damaged ({error}); evaluate this run again") from None


def right(path: str | os.PathLike) -> np.ndarray:
    """Of a ``predictions.npz``, bool ``[n]``: which images were classified correctly.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with np.load(path) as file:
            return file["predictions"] == file["labels"]
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise DataError(f"{path}: missing or damaged ({error}); evaluate this run again") from None


def if_whole(read: Callable[[str], Content], path: str) -> Content | None:
    """What a reader of one file returns; None if the file is missing or damaged."""
    try:
        return read(path)
    except CNNtentionError:
        return None


# ---- files that belong together


def of_one_training(rows: list[dict[str, Any]], training: dict) -> bool:
    """Whether a history belongs to the training that an evaluation or a checkpoint tells of.

    A run that was trained again keeps its old evaluation for a while; the time that each epoch took tells them apart.
    """
    try:
        seconds = sum(row["seconds"] for row in rows)
        return training["epochs"] == len(rows) and math.isclose(training["seconds"], seconds, abs_tol=1e-6)
    except (KeyError, TypeError):
        return False


def made_by(results: str, run: Run, rows: list[dict[str, Any]]) -> dict | None:
    """The spec by which a run's history was made, in plain values; None if nothing tells.

    The weights beside it tell, or else the evaluation, where they are of the same training.
    """
    for read, pattern in ((origin.notes, layout.MODEL), (evaluation, layout.EVAL)):
        made = if_whole(read, run.path(pattern, results))
        if made and of_one_training(rows, made["training"]):
            return made["spec"]
    return None


# ---- runs of a product


def evaluations(results: str, expected: dict[str, str]) -> pd.DataFrame:
    """One row for each run that is evaluated and made by the config that expects it.

    Columns: ``dataset``, ``model``, ``split``, ``seed``, and what ``eval.json`` says about the run and its training:
    :data:`NEEDED` at least.

    Args:
        results: the results folder.
        expected: the digest of each run's spec, by the run's name.

    Raises:
        DataError: a file is damaged.
    """
    rows = [_row(run, report) for run, report in _evaluated(results, expected)]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*NAMES, *NEEDED])


def evaluations_in_detail(results: str, expected: dict[str, str]) -> pd.DataFrame:
    """As :func:`evaluations`, with two more columns: ``errors``, a list, the error in percent after each epoch on the
    images that judge the split; ``right``, bool ``[n]``, which of its images were classified correctly.

    A run that is trained again, or was and is not evaluated yet, is left out. One that was trained elsewhere has no
    errors.
    """
    rows = []
    for run, report in _evaluated(results, expected):
        errors = None
        if not is_imported(report["spec"]):
            path = run.path(layout.HISTORY, results)
            if not Path(path).is_file():  # Snakemake removes it before it trains again, the evaluation only after that
                continue
            epochs = history(path)
            if not of_one_training(epochs, report["training"]):
                continue
            errors = [epoch[judged_error(run.split)] for epoch in epochs]
        rows.append(_row(run, report) | {"errors": errors, "right": right(run.path(layout.PREDICTIONS, results))})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*NAMES, *NEEDED, "errors", "right"])


def histories(results: str, expected: dict[str, str]) -> pd.DataFrame:
    """One row for each epoch of each run that is trained, and made by the config that expects it.

    Columns: ``dataset``, ``model``, ``split``, ``seed`` and those of ``history.csv``. For arguments and errors see
    :func:`evaluations`.
    """
    frames = []
    for run, digest in _there(results, expected, layout.HISTORY):
        rows = history(run.path(layout.HISTORY, results))
        if is_of(digest, made_by(results, run, rows)):
            frames.append(pd.DataFrame(rows, dtype=float).assign(**_names(run)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*NAMES, *COLUMNS, *LATER])


def _there(results: str, expected: dict[str, str], pattern: str) -> Iterator[tuple[Run, str]]:
    for name, digest in expected.items():
        run = Run.of(name)
        if Path(run.path(pattern, results)).is_file():
            yield run, digest


def _evaluated(results: str, expected: dict[str, str]) -> Iterator[tuple[Run, dict]]:
    for run, digest in _there(results, expected, layout.EVAL):
        report = evaluation(run.path(layout.EVAL, results))
        if is_of(digest, report["spec"]):
            yield run, report


def _row(run: Run, report: dict) -> dict:
    own = report["training"] | report
    return {key: value for key, value in own.items() if key not in ("spec", "training")} | _names(run)


def _names(run: Run) -> dict:
    return {key: getattr(run, key) for key in NAMES}
