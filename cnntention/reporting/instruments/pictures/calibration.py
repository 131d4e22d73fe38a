"""Reliability diagrams: accuracy by confidence, as trained and after temperature scaling."""

from typing import TYPE_CHECKING

import numpy as np

from cnntention.base.layout import Run
from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.selection import Labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {"trained": "as trained", "scaled": "temperature-scaled"}
_INK = "#222222"
_LARGEST = 130
"""Area of the dot of a bin with all images, in points squared."""
_LEAST = 8
"""Images that a bin needs to be joined to its neighbours: fewer say little."""


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """A row a dataset: a dot a bin, its area the share of images, all seeds together; on the diagonal, confidence is
    accuracy."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from cnntention.reporting.style import legend_below, styled

    runs = measured.runs(spec.split)
    with styled():
        figure = Figure(figsize=(8.5, 1.0 + 3.6 * len(spec.datasets)), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        axes = figure.subplots(len(spec.datasets), len(PANELS), squeeze=False, sharex=True, sharey=True)
        for row, dataset in zip(axes, spec.datasets, strict=True):
            for ax, (key, title) in zip(row, PANELS.items(), strict=True):
                _panel(ax, spec, dataset, measured, runs, key)
                ax.set_title(f"{dataset.label}, {title}")
        there = {run.model for run in runs}
        handles = [
            Line2D([], [], color=model.color, marker="o", markersize=4, label=model.label + _note(model.name, there))
            for model in spec.models
        ]
        handles.append(Line2D([], [], color=_INK, linestyle="--", linewidth=0.8, label="calibrated"))
        legend_below(figure, handles)
    return figure


def _note(model: str, there: set[str]) -> str:
    return "" if model in there else " (missing)"


def _panel(ax: "Axes", spec: StanzaSpec, dataset: Labelled, measured: Measured, runs: list[Run], key: str) -> None:
    ax.plot([0, 100], [0, 100], color=_INK, linestyle="--", linewidth=0.8)
    for model in spec.models:
        own = [measured.arrays(run)[key] for run in runs if (run.dataset, run.model) == (dataset.name, model.name)]
        if not own:
            continue
        images, confidence, right = np.sum(own, axis=0)
        there = images > 0
        x, y = 100 * confidence[there] / images[there], 100 * right[there] / images[there]
        ax.scatter(x, y, s=_LARGEST * images[there] / images.sum() + 3, color=model.color, alpha=0.75, linewidths=0)
        enough = images[there] >= _LEAST
        ax.plot(x[enough], y[enough], color=model.color, linewidth=1.0)
    ax.set_xlabel("confidence (%)")
    ax.set_ylabel("accuracy (%)")
    ax.set_xlim(0, 102)
    ax.set_ylim(-2, 102)
