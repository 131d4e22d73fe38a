"""How near attention is to equal weights, and how far it reaches beside them, stage by stage."""

import pandas as pd

from cnntention.base.words import listed
from cnntention.reporting.instruments.findings import by, networks
from cnntention.reporting.instruments.spec import StanzaSpec

ALL_HEADS = "all"
EVEN = 99.0
"""Percent of the entropy of equal weights, from which on weights are called even."""


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network, of all heads."""
    return [_of(name, own) for name, own in networks(spec, numbers)]


def _of(name: str, own: pd.DataFrame) -> str:
    whole = own[own["head"] == ALL_HEADS] if (own["head"] == ALL_HEADS).any() else own
    stages = sorted(set(whole["stage"]))
    found = [by("name", whole[whole["stage"] == stage]) for stage in stages]
    entropies = listed([f"{of['entropy']['value']:.3g}%" for of in found])
    reach = listed([f"{of['distance']['value']:.1f} px ({of['distance, equal weights']['value']:.1f})" for of in found])
    text = (
        f"{name}, {_stages(stages)}: entropy of the weights is {entropies} of that of equal weights; a position "
        f"attends {reach} away, in brackets by equal weights."
    )
    even = [stage for stage, of in zip(stages, found, strict=True) if of["entropy"]["value"] >= EVEN]
    return f"{text} All positions count about alike in {_stages(even)}." if even else text


def _stages(stages: list[int]) -> str:
    return ("stage " if len(stages) == 1 else "stages ") + listed([str(stage) for stage in stages])
