"""What a measurement depends on in the config."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class InstrumentSpec:
    """An instrument as a stanza sets it.

    Attributes:
        kind: its file in ``cnntention/instruments/``.
        images: how many of the images that judge a run are looked at, the same for every run; None: all of them, or
            those of ``indices``.
        indices: which of them, where the config lists them.
        options: of the instrument.
    """

    kind: str
    images: int | None
    indices: tuple[int, ...] | None
    options: dict[str, Any]
