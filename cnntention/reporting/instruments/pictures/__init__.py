"""Pictures of what instruments found, a file each, named as its instrument: a function ``draw(spec, measured)``.

An instrument without such a file has its table alone.
"""

from typing import TYPE_CHECKING, Protocol

from cnntention.reporting.instruments.parts import Parts

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


PARTS: Parts[Picture] = Parts(__name__, __path__)
file, load = PARTS.file, PARTS.load
