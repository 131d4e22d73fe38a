"""What the numbers of an instrument say, in sentences, a file each, named as its instrument: a function
``find(spec, numbers)``.

A sentence is never stronger than its numbers: one thing is said to be more than another where a 95% interval says so.
An instrument without such a file has its table alone. Names of numbers stand here as literals, since instruments
import torch, which takes a table seconds.
"""

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from cnntention.reporting.instruments.parts import Parts

if TYPE_CHECKING:
    import pandas as pd

    from cnntention.reporting.instruments.spec import StanzaSpec


class Findings(Protocol):
    """The module of what is found."""

    def find(self, spec: "StanzaSpec", numbers: "pd.DataFrame") -> list[str]:
        """Sentences.

        Args:
            spec: of the stanza.
            numbers: of the table: those of :func:`cnntention.reporting.instruments.table.combined`, and comparisons.
        """
        ...


PARTS: Parts[Findings] = Parts(__name__, __path__)
file, load = PARTS.file, PARTS.load


# ---- what they share


def networks(spec: "StanzaSpec", numbers: "pd.DataFrame") -> "Iterator[tuple[str, pd.DataFrame]]":
    """Each model on each dataset that there are numbers of, in words, with these numbers."""
    for dataset in spec.datasets:
        for model in spec.models:
            own = numbers[(numbers["dataset"] == dataset.name) & (numbers["model"] == model.name)]
            if not own.empty:
                yield f"{model.label} on {dataset.label}", own


def by(key: str, own: "pd.DataFrame") -> dict[str, dict[Hashable, Any]]:
    """The rows of a network by one of their columns, in which each has a value of its own."""
    return {row[key]: row for row in own.to_dict("records")}


def with_interval(row: Mapping, form: str) -> str:
    """A number with its 95% interval; alone where it has none."""
    if math.isnan(row["low"]):
        return f"{row['value']:{form}}"
    return f"{row['value']:{form}} [{row['low']:{form}}, {row['high']:{form}}]"


def sign(row: Mapping) -> int:
    """1 or -1 where the 95% interval of a number lies above or below 0, else 0."""
    return int(row["low"] > 0) - int(row["high"] < 0)
