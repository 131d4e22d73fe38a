"""What the config says about a network."""

import dataclasses
from typing import Any, Literal

WIDTHS = (16, 32, 64)
"""Channels of the paper's three stages (section 4.1)."""


STAGES = (1, 2, 3)


@dataclasses.dataclass(frozen=True)
class Attention:
    """In the network.

    Attributes:
        block: its name in the config, see :mod:`cnntention.attention.registry`.
        residual: ``none``, ``plain`` or ``weighted``, see :mod:`cnntention.attention.residual`.
        options: of the block.
        placement: ``stage``: after each stage; ``block``: in each residual block, before its shortcut is added.
        stages: that have attention, counted from 1.
    """

    block: str
    residual: str
    options: dict[str, Any]
    placement: Literal["stage", "block"] = "stage"
    stages: tuple[int, ...] = STAGES
