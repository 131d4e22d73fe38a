"""How much more often networks are wrong on corrupted images."""

import pandas as pd

from cnntention.reporting.instruments.findings import by, networks, with_interval
from cnntention.reporting.instruments.spec import StanzaSpec

NONE, ALL, MEAN = "none", "all", "mean error"


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    means = numbers[numbers["name"] == MEAN]
    return [_of(name, by("corruption", own)) for name, own in networks(spec, means)]


def _of(name: str, own: dict[str, dict]) -> str:
    kinds = {kind: row["value"] for kind, row in own.items() if kind not in (NONE, ALL)}
    most, least = max(kinds, key=kinds.__getitem__), min(kinds, key=kinds.__getitem__)
    return (
        f"{name} is wrong on {own[NONE]['value']:.2f}% of the images as they are and on "
        f"{with_interval(own[ALL], '.2f')}% of the corrupted ones; most by {most} ({kinds[most]:.1f}%), "
        f"least by {least} ({kinds[least]:.1f}%)."
    )
