"""In how many measures Grad-CAM maps mark more of what answers rest on than maps that know nothing of the network."""

import pandas as pd

from cnntention.reporting.instruments.findings import networks, sign
from cnntention.reporting.instruments.spec import StanzaSpec

NULLS = {"random": "a random map", "centre": "the distance from the centre", "edges": "the image's edges"}
BETTER = {"ROAD": 1, "increase": 1, "drop": -1, "insertion": 1, "deletion": -1}
"""Whether more or less of a measure is better."""


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    return [
        f"Grad-CAM maps of {name}, in {len(BETTER)} measures: {'; '.join(_beside(own, null) for null in NULLS)}."
        for name, own in networks(spec, numbers)
    ]


def _beside(own: pd.DataFrame, null: str) -> str:
    leads = own[own["map"] == f"Grad-CAM − {null}"]
    found = [BETTER[row["name"]] * sign(row) for row in leads.to_dict("records")]
    better, worse = found.count(1), found.count(-1)
    return f"better than {NULLS[null]} in {better}, worse in {worse}, open in {found.count(0)}"
