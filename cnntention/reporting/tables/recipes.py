"""Tables of hyperparameters (Table 1): a spec in, a table out."""

from typing import Any

import pandas as pd

from cnntention.reporting.tables.table import NONE, Table

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


def build(spec: dict) -> Table:
    """Hyperparameters of the runs, one row a model; a value that differs from the published run's shows both.

    Args:
        spec: see :meth:`cnntention.study.study.Study.table_spec`.
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
