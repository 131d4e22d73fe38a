"""How much of what CBAM weighs depends on the image."""

import pandas as pd

from cnntention.base.words import listed
from cnntention.reporting.instruments.findings import networks
from cnntention.reporting.instruments.spec import StanzaSpec


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    return [
        f"{name}, by stage: from image to image a channel's weight varies by {_spread(own, 'channels between images')} "
        f"(standard deviation), and from channel to channel by {_spread(own, 'between channels')}; a position's by "
        f"{_spread(own, 'positions between images')}, and from position to position by "
        f"{_spread(own, 'between positions')}. What does not vary from image to image is a constant, and no attention."
        for name, own in networks(spec, numbers)
    ]


def _spread(own: pd.DataFrame, name: str) -> str:
    return listed([f"{value:.2g}" for value in own.loc[own["name"] == name].sort_values("stage")["value"]])
