"""How much more often networks are wrong on corrupted images."""

import pandas as pd

from cnntention.base.words import listed
from cnntention.reporting.instruments.findings import by, networks, with_interval
from cnntention.reporting.instruments.spec import StanzaSpec

NONE, ALL, MEAN = "none", "all", "mean error"


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    means = numbers[numbers["name"] == MEAN]
    return [_of(name, by("corruption", own)) for name, own in networks(spec, means)]


def _of(name: str, own: dict[str, dict]) -> str:
    kinds = sorted((row for kind, row in own.items() if kind not in (NONE, ALL)), key=lambda row: row["value"])
    least = [row for row in kinds if not row["low"] > kinds[0]["high"]]
    most = [row for row in kinds[::-1] if not row["high"] < kinds[-1]["low"]]
    return (
        f"{name} is wrong on {own[NONE]['value']:.2f}% of the images as they are and on "
        f"{with_interval(own[ALL], '.2f')}% of the corrupted ones; most by {_named(most)}, least by "
        f"{_named(least)}."
    )


def _named(rows: list[dict]) -> str:
    """Corruptions whose intervals overlap with that of the first are named with it."""
    return listed([f"{row['corruption']} ({row['value']:.1f}%)" for row in rows])
