"""How much of a map is left without what a network has learned, and without its attention."""

import pandas as pd

from cnntention.reporting.instruments.findings import by, networks, with_interval
from cnntention.reporting.instruments.spec import StanzaSpec

UNTRAINED, OTHER_IMAGE, BYPASSED = "all untrained", "another image", "attention bypassed"


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    agreement = numbers[numbers["name"] == "rank correlation"]
    return [_of(name, by("network", own)) for name, own in networks(spec, agreement)]


def _of(name: str, own: dict[str, dict]) -> str:
    untrained, other = own[UNTRAINED], own[OTHER_IMAGE]
    than = "not shown to be more or less than"
    if untrained["low"] > other["high"]:
        than = "more than"
    elif untrained["high"] < other["low"]:
        than = "less than"
    text = (
        f"Maps of {name} agree with those of the untrained network by {with_interval(untrained, '.2f')}, {than} with "
        f"those of other images ({with_interval(other, '.2f')})"
    )
    if BYPASSED in own:
        text += f"; with those of the network without its attention by {with_interval(own[BYPASSED], '.2f')}"
    return f"{text}."
