"""One look for all pictures, whatever the user's machine has set."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cnntention.base.files import atomic_path


@contextlib.contextmanager
def _without(variable: str) -> Iterator[None]:
    value = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[variable] = value


# A notebook's backend is not always installed here, and matplotlib fails to import by it. What this package draws needs
# none; modules import matplotlib after this one.
with _without("MPLBACKEND"):
    import matplotlib
    from matplotlib.figure import Figure
matplotlib.use("Agg")

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "figure.dpi": 100,
    "text.parse_math": False,  # a dollar in a label is a dollar
    "svg.fonttype": "none",
    "svg.hashsalt": "cnntention",  # else ids in the SVG change from run to run
}

_HANDLE_IN, _CHARACTER_IN = 0.55, 0.068
"""Widths in a legend, in inches: of a mark with the space about it, and of a character."""


@contextlib.contextmanager
def styled(**more: Any) -> Iterator[None]:
    """Draw in this look, over matplotlib's own defaults rather than those of the user's ``matplotlibrc``.

    Args:
        more: settings that differ in one picture, with ``_`` for ``.``.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE | {key.replace("_", "."): value for key, value in more.items()})
        yield


def save(figure: Figure, path: str | os.PathLike, dpi: int) -> None:
    """Write a figure atomically, in the format of the path's suffix and without a date."""
    metadata = {"Date": None} if Path(path).suffix == ".svg" else {}
    with atomic_path(path) as temporary, styled():
        figure.savefig(temporary, dpi=dpi, metadata=metadata, facecolor="white")


def legend_below(figure: Figure, handles: list[Any]) -> None:
    """A legend below all panels, in as few rows as fit into the figure's width, and these of like length."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (_HANDLE_IN + _CHARACTER_IN * longest)))
    rows = math.ceil(len(handles) / columns)
    figure.legend(handles=handles, loc="outside lower center", ncols=math.ceil(len(handles) / rows))
