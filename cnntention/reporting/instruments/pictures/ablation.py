"""What is lost when parts of attention are left out: change of accuracy with its interval, a row for each part."""

import re
from typing import TYPE_CHECKING

import pandas as pd

from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined
from cnntention.reporting.selection import Coloured, Labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#222222"
_HEIGHT = 0.6
"""Of the marks of one row, in rows."""


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """A panel a dataset: parts from top to bottom, models in their colours; heads of a stage share a row."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from cnntention.reporting.style import legend_below, styled

    numbers = combined(measured)
    changes = numbers[numbers["name"] == "change"]
    parts = list(dict.fromkeys(map(_row, changes["left out"]))) if "left out" in changes else []
    with styled():
        height = 1.4 + 0.14 * len(spec.models) * max(len(parts), 3)
        figure = Figure(figsize=(2.5 + 4.5 * len(spec.datasets), height), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        axes = figure.subplots(1, len(spec.datasets), squeeze=False, sharey=True)[0]
        for ax, dataset in zip(axes, spec.datasets, strict=True):
            _panel(ax, spec, dataset, changes[changes["dataset"] == dataset.name], parts)
        missing = {model.name: "" if (changes["model"] == model.name).any() else " (missing)" for model in spec.models}
        handles = [
            Line2D([], [], color=model.color, marker="o", linestyle="", label=model.label + missing[model.name])
            for model in spec.models
        ]
        handles += [
            Line2D([], [], color=_INK, marker="|", label="95% interval"),
            Line2D([], [], color=_INK, marker=".", alpha=0.5, linestyle="", label="a head"),
        ]
        legend_below(figure, handles)
    return figure


def _row(left_out: str) -> str:
    """The row of a part: the heads of a stage have one together."""
    return re.sub(r", head \d+$", ", one head", left_out)


def _panel(ax: "Axes", spec: StanzaSpec, dataset: Labelled, changes: pd.DataFrame, parts: list[str]) -> None:
    step = _HEIGHT / len(spec.models)
    ax.axvline(0, color=_INK, linewidth=0.8)
    for number, model in enumerate(spec.models):
        own = changes[changes["model"] == model.name]
        for row, part in enumerate(parts):
            at = row + (number + 0.5) * step - _HEIGHT / 2
            _marks(ax, at, model, own[own["left out"].map(_row) == part])
    ax.set_yticks(range(len(parts)), parts)
    ax.set_ylim(len(parts) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("change of accuracy (percentage points)")
    ax.set_title(f"{dataset.label}: without …")


def _marks(ax: "Axes", at: float, model: Coloured, own: pd.DataFrame) -> None:
    if len(own) > 1:
        ax.scatter(own["value"], [at] * len(own), s=12, color=model.color, alpha=0.5, linewidths=0)
    elif not own.empty:
        ends = [own["value"] - own["low"], own["high"] - own["value"]]
        ax.errorbar(own["value"], [at], xerr=ends, fmt="o", color=model.color, markersize=4, capsize=2.5)
