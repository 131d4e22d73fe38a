"""Pictures of what instruments found, a file each, named as its instrument: a function ``draw(spec, measured)``.

An instrument without such a file has its table alone.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnntention.reporting.instruments.results import Measured
    from cnntention.reporting.instruments.spec import StanzaSpec

SUFFIXES = (".png", ".svg")
DPI = 150


class Picture(Protocol):
    """The module of a picture."""

    def draw(self, spec: "StanzaSpec", measured: "Measured") -> "Figure":
        """The picture of what was measured; what is missing is named in it. Imports matplotlib by itself."""
        ...


def file(kind: str) -> str | None:
    """The source file of an instrument's picture, relative to the repository's root; None: it has none."""
    path = Path(__file__).with_name(f"{kind}.py")
    return f"cnntention/reporting/instruments/pictures/{kind}.py" if path.is_file() else None


def load(kind: str) -> Picture:
    """The module of an instrument's picture, imported."""
    return importlib.import_module(f"{__name__}.{kind}")
