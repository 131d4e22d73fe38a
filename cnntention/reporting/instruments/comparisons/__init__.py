"""Numbers of an instrument that rest on several runs at once, a file each, named as its instrument: a function
``compare(spec, measured)``.

Most instruments have none: their table is made of the numbers of each run.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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


def file(kind: str) -> str | None:
    """The source file of an instrument's comparison, relative to the repository's root; None: it has none."""
    path = Path(__file__).with_name(f"{kind}.py")
    return f"cnntention/reporting/instruments/comparisons/{kind}.py" if path.is_file() else None


def load(kind: str) -> Comparison:
    """The module of an instrument's comparison, imported."""
    return importlib.import_module(f"{__name__}.{kind}")
