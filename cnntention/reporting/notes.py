"""What a table says at its foot about how its runs were made."""

from collections.abc import Iterable, Mapping

import pandas as pd

DIGITS = 12
"""Of a checksum, in a note; the evaluation has all."""


def trained(runs: pd.DataFrame) -> list[str]:
    """How long and on what the runs were trained, or by whom where it was elsewhere; empty without runs."""
    here = runs[~imported(runs)]
    notes = []
    if not here.empty:
        epochs = sorted(set(here["epochs"]))
        shown = f"{epochs[0]:.0f}" if len(epochs) == 1 else f"{epochs[0]:.0f} to {epochs[-1]:.0f}"
        shown += " epoch" if epochs == [1] else " epochs"
        devices = sorted(set(here["device"] + " in " + here["precision"]))
        notes.append(f"Trained for {shown}; duration of one training on {', '.join(devices)}.")
    return notes + imported_runs(runs)


def imported_runs(runs: pd.DataFrame) -> list[str]:
    """Where those of the runs come from that were trained elsewhere; empty without any."""
    theirs = runs[imported(runs)]
    return from_elsewhere({f"{run['model']} on {run['dataset']}": run["imported"] for _, run in theirs.iterrows()})


def from_elsewhere(networks: Mapping[str, Mapping]) -> list[str]:
    """Where networks come from that were trained elsewhere, and by whom; empty without any.

    Args:
        networks: ``path``, ``trained`` and perhaps ``sha256`` of each, by a name for reading.
    """
    named = []
    for name, origin in networks.items():
        digest = origin.get("sha256")
        checked = f", SHA-256 {digest[:DIGITS]}" if digest else ""
        named.append(f"{name} from {origin['path']}{checked}, trained {origin['trained']}")
    return [f"Imported, not trained here: {'; '.join(named)}."] if named else []


def imported(runs: pd.DataFrame) -> pd.Series:
    """Of each run, whether it was trained elsewhere, see :mod:`cnntention.training.import_weights`."""
    return runs["imported"].notna() if "imported" in runs else pd.Series(False, index=runs.index, dtype=bool)


def incomplete(complete: Iterable[bool]) -> list[str]:
    """Says how many rows lack runs; empty if all are complete."""
    rows = list(complete)
    lacking = rows.count(False)
    return [f"INCOMPLETE: {lacking} of {len(rows)} rows lack runs of this config."] if lacking else []
