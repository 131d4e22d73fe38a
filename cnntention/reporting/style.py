"""One look for all pictures."""

import os
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

from cnntention.base.files import atomic_path

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


def save(figure: Figure, path: str | os.PathLike, dpi: int) -> None:
    """Write a figure atomically, in the format of the path's suffix and without a date."""
    metadata = {"Date": None} if Path(path).suffix == ".svg" else {}
    with atomic_path(path) as temporary, matplotlib.rc_context(STYLE):
        figure.savefig(temporary, dpi=dpi, metadata=metadata, facecolor="white")
