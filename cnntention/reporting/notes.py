"""What a table says at its foot about how its runs were made."""

from collections.abc import Iterable

import pandas as pd


def trained(runs: pd.DataFrame) -> list[str]:
    """How long and on what the runs were trained; empty without runs."""
    if runs.empty:
        return []
    epochs = sorted(set(runs["epochs"]))
    shown = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    shown += " epoch" if epochs == [1] else " epochs"
    devices = sorted(set(runs["device"] + " in " + runs["precision"]))
    return [f"Trained for {shown}; duration of one training on {', '.join(devices)}."]


def incomplete(complete: Iterable[bool]) -> list[str]:
    """Says how many rows lack runs; empty if all are complete."""
    rows = list(complete)
    lacking = rows.count(False)
    return [f"INCOMPLETE: {lacking} of {len(rows)} rows lack runs of this config."] if lacking else []
