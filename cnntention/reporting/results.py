"""Finished runs as data frames. What is missing is left out here, and shown as missing by tables and figures."""

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from cnntention.base import layout
from cnntention.base.errors import DataError
from cnntention.data.split import judged_error
from cnntention.training.specs import is_of

EVALUATION_COLUMNS = (
    "dataset", "model", "split", "seed", "accuracy", "n",
    "seconds", "epochs", "device", "precision",
    "parameters", "multiply_adds", "attention", "versions",
)  # fmt: skip
CLAIM_COLUMNS = ("errors", "right")


def _names(spec: dict) -> Iterator[dict]:
    """Dataset, model, split and seed of each run of a spec."""
    if spec.get("kind") == "claims":
        sides = (
            (claim["dataset"], claim[side], claim["split"]) for claim in spec["claims"] for side in ("model", "than")
        )
        named = dict.fromkeys((dataset["name"], model["name"], split) for dataset, model, split in sides)
    else:
        named = {
            (dataset["name"], model["name"], spec["split"]): None
            for dataset in spec["datasets"]
            for model in spec["models"]
        }
    for dataset, model, split in named:
        for seed in spec["seeds"]:
            yield {"dataset": dataset, "model": model, "split": split, "seed": seed}


def _found(results: str, spec: dict, pattern: str) -> Iterator[tuple[dict, Path]]:
    """Names and path of each file of a spec's runs that is there."""
    for names in _names(spec):
        path = Path(pattern.format(results=results, **names))
        if path.is_file():
            yield names, path


def evaluations(results: str, spec: dict) -> pd.DataFrame:
    """One row for each evaluated run of a table's spec, with the columns of ``EVALUATION_COLUMNS``.

    For a table of claims also those of ``CLAIM_COLUMNS``: ``errors``, a list, the error in percent after each epoch on
    the part that the split is judged by; ``right``, bool ``[n]``, which of its images were classified rightly.

    Results that were made by another config count as missing.

    Args:
        results: the results folder.
        spec: see :meth:`cnntention.study.study.Study.table_spec`.

    Raises:
        DataError: a file is damaged.
    """
    claims = spec.get("kind") == "claims"
    columns = EVALUATION_COLUMNS + (CLAIM_COLUMNS if claims else ())
    rows = []
    for names, path in _found(results, spec, layout.EVAL):
        expected = spec["digests"][layout.NAME.format(**names)]
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            values = report["training"] | report | names
            if not is_of(expected, report["spec"]):
                continue
            rows.append({column: values[column] for column in EVALUATION_COLUMNS})
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: damaged ({error}); evaluate this run again") from None
        if claims:
            rows[-1] |= {"errors": _judged_errors(results, names), "right": _right(results, names)}
    return pd.DataFrame(rows, columns=list(columns))


def _judged_errors(results: str, names: dict) -> list[float]:
    path = Path(layout.HISTORY.format(results=results, **names))
    judged = judged_error(names["split"])
    try:
        return pd.read_csv(path)[judged].tolist()
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: damaged ({error}); train this run again") from None


def _right(results: str, names: dict) -> np.ndarray:
    path = Path(layout.PREDICTIONS.format(results=results, **names))
    try:
        with np.load(path) as file:
            return file["predictions"] == file["labels"]
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise DataError(f"{path}: damaged ({error}); evaluate this run again") from None


def histories(results: str, spec: dict) -> pd.DataFrame:
    """One row for each epoch of each trained run of a figure's spec.

    Columns: ``dataset``, ``model``, ``split``, ``seed`` and those of ``history.csv``.
    """
    frames = []
    for names, path in _found(results, spec, layout.HISTORY):
        try:
            frames.append(pd.read_csv(path).assign(**names))
        except ValueError as error:  # pandas' own errors are of this kind
            raise DataError(f"{path}: damaged ({error}); train this run again") from None
    if not frames:
        return pd.DataFrame(columns=["dataset", "model", "split", "seed", "epoch"])
    return pd.concat(frames, ignore_index=True)
