"""``history.csv``: one row an epoch."""

import csv
import os

from cnntention.base.files import atomic_path
from cnntention.network.specs import STAGES

COLUMNS = (
    "epoch",
    "lr",
    "train_loss",
    "train_error",
    "validation_loss",
    "validation_error",
    "test_loss",
    "test_error",
    "seconds",
)
"""Errors in percent; train columns are means over the epoch's augmented batches while the weights changed; columns of
a part that the run does not have are empty; seconds are those of the whole epoch."""

LATER = tuple(f"{what}_{stage}" for what in ("gate", "share") for stage in STAGES)
"""Columns that came later: histories of before lack them. Gates and shares of attention after the epoch, see
:mod:`cnntention.network.attention_use`; empty where there is none."""


def write(path: str | os.PathLike, rows: list[dict]) -> None:
    """Write the rows atomically; a key that a row lacks becomes an empty field."""
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*COLUMNS, *LATER), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
