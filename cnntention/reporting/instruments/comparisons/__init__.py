"""Numbers of an instrument that rest on several runs at once, a file each, named as its instrument: a function
``compare(spec, measured)``.

Most instruments have none: their table is made of the numbers of each run.
"""

from typing import TYPE_CHECKING, Protocol

from cnntention.reporting.instruments.parts import Parts

if TYPE_CHECKING:
    import pandas as pd

    from cnntention.reporting.instruments.results import Measured
    from cnntention.reporting.instruments.spec import StanzaSpec


class Comparison(Protocol):
    """The module of a comparison."""

    def compare(self, spec: "StanzaSpec", measured: "Measured") -> "pd.DataFrame":
        """Rows for the table besides those of :func:`cnntention.reporting.instruments.table.combined`, with the same
        columns."""
        ...


PARTS: Parts[Comparison] = Parts(__name__, __path__)
file, load = PARTS.file, PARTS.load
