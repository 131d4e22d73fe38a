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


@dataclasses.dataclass(frozen=True)
class Weights:
    """Of a network that was trained elsewhere.

    Attributes:
        path: of the file.
        trained: by whom, and on what, for reading.
        source: where the file is to be had, for reading; None: not said.
        sha256: of the file, in hexadecimal; None: any file will do.
        rename: regular expressions and what they are replaced by in the names of weights, one after the other.
    """

    path: str
    trained: str
    source: str | None = None
    sha256: str | None = None
    rename: tuple[tuple[str, str], ...] = ()
