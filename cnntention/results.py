"""Finished runs as data frames. What is missing is left out here, and shown as missing by tables and figures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from cnntention import layout
from cnntention.canonical import digest
from cnntention.errors import DataError

EVALUATION_COLUMNS = (
    "dataset", "model", "seed", "accuracy", "n",
    "seconds", "epochs", "device", "precision",
    "parameters", "multiply_adds", "versions",
)  # fmt: skip


def _found(results: str, spec: dict, pattern: str) -> Iterator[tuple[dict, Path]]:
    """Dataset, model, seed and path of each file of a spec's runs that is there."""
    for dataset in spec["datasets"]:
        for model in spec["models"]:
            for seed in spec["seeds"]:
                names = {"dataset": dataset["name"], "model": model["name"], "seed": seed}
                path = Path(pattern.format(results=results, split=spec["split"], **names))
                if path.is_file():
                    yield names, path


def evaluations(results: str, spec: dict) -> pd.DataFrame:
    """One row for each evaluated run of a table's spec, with the columns of ``EVALUATION_COLUMNS``.

    Results that were made by another config count as missing.

    Args:
        results: the results folder.
        spec: with ``datasets``, ``models``, ``split``, ``seeds``, ``digests``; see
            :meth:`cnntention.study.Study.table_spec`.

    Raises:
        DataError: an ``eval.json`` is damaged.
    """
    rows = []
    for names, path in _found(results, spec, layout.EVAL):
        expected = spec["digests"][layout.NAME.format(split=spec["split"], **names)]
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            values = report["training"] | report | names
            if digest(report["spec"]) == expected:
                rows.append({column: values[column] for column in EVALUATION_COLUMNS})
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: damaged ({error}); evaluate this run again") from None
    return pd.DataFrame(rows, columns=list(EVALUATION_COLUMNS))


def histories(results: str, spec: dict) -> pd.DataFrame:
    """One row for each epoch of each trained run of a figure's spec.

    Columns: ``dataset``, ``model``, ``seed`` and those of ``history.csv``.
    """
    frames = []
    for names, path in _found(results, spec, layout.HISTORY):
        try:
            frames.append(pd.read_csv(path).assign(**names))
        except ValueError as error:  # pandas' own errors are of this kind
            raise DataError(f"{path}: damaged ({error}); train this run again") from None
    if not frames:
        return pd.DataFrame(columns=["dataset", "model", "seed", "epoch"])
    return pd.concat(frames, ignore_index=True)
