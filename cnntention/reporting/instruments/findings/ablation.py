"""What a network loses without its attention."""

import pandas as pd

from cnntention.base.words import listed
from cnntention.reporting.instruments.findings import by, networks, sign, with_interval
from cnntention.reporting.instruments.spec import StanzaSpec

SAID = {-1: "loses", 0: "is not shown to change", 1: "gains"}


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    changes = numbers[numbers["name"] == "change"]
    return [_of(name, by("left out", own)) for name, own in networks(spec, changes)]


def _of(name: str, own: dict[str, dict]) -> str:
    stages = [place for place in own if place.startswith("stage") and "head" not in place]
    whole = own["all" if "all" in own else stages[0]]
    if whole["low"] == whole["high"] == 0:
        return f"{name} is right on the same images without its attention."
    text = f"{name} {SAID[sign(whole)]} without its attention: {with_interval(whole, '+.2f')} points"
    if len(stages) > 1:
        losses = [f"{own[stage]['value']:+.2f} ({stage})" for stage in stages]
        text += f"; without that of one stage: {listed(losses)}"
    return f"{text}."
