"""Finished runs as data frames. What is missing is left out here, and shown as missing by tables and figures."""

import json
from pathlib import Path

import pandas as pd

from cnntention import layout

EVALUATION_COLUMNS = (
    "dataset", "model", "seed", "accuracy", "n", "subset", "seconds", "epochs", "device", "parameters", "multiply_adds"
)  # fmt: skip


def _found(results: str, spec: dict, pattern: str):
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

    Args:
        results: the results folder.
        spec: with ``datasets``, ``models``, ``split``, ``seeds``; see :meth:`cnntention.study.Study.table_spec`.
    """
    rows = []
    for names, path in _found(results, spec, layout.EVAL):
        report = json.loads(path.read_text(encoding="utf-8"))
        merged = names | report["training"] | report
        rows.append({column: merged[column] for column in EVALUATION_COLUMNS if column != "model"} | names)
    return pd.DataFrame(rows, columns=list(EVALUATION_COLUMNS))


def histories(results: str, spec: dict) -> pd.DataFrame:
    """One row for each epoch of each trained run of a figure's spec.

    Columns: ``dataset``, ``model``, ``seed`` and those of ``history.csv``.
    """
    frames = [pd.read_csv(path).assign(**names) for names, path in _found(results, spec, layout.HISTORY)]
    if not frames:
        return pd.DataFrame(columns=["dataset", "model", "seed", "epoch"])
    return pd.concat(frames, ignore_index=True)
