"""What the config says about a network."""

import dataclasses
from typing import Any

WIDTHS = (16, 32, 64)
"""Channels of the paper's three stages (section 4.1)."""


@dataclasses.dataclass(frozen=True)
class Attention:
    """After each stage.

    Attributes:
        block: a registered name, see :mod:`cnntention.attention.registry`.
        residual: ``none``, ``plain`` or ``weighted``, see :mod:`cnntention.attention.residual`.
        options: of the block.
    """

    block: str
    residual: str
    options: dict[str, Any]
