"""Whether maps mark what answers rest on: each measure of Grad-CAM beside its nulls, and the curves behind areas."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined
from cnntention.reporting.selection import Labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_MAPS: dict[str, dict[str, Any]] = {
    "Grad-CAM": {"color": "#c62828", "marker": "o"},
    "random": {"color": "#888888", "marker": "s"},
    "centre": {"color": "#1565c0", "marker": "^"},
    "edges": {"color": "#2e7d32", "marker": "D"},
}
_MEASURES = {
    "ROAD": "ROAD →",
    "insertion": "insertion →",
    "deletion": "← deletion",
    "drop": "← drop of confidence",
}
"""How each is read: the arrow shows where the better maps are."""
_HEIGHT = 0.6
"""Of the marks of one model, in rows."""


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """For each dataset a row of measures, models from top to bottom, and a row of curves, a panel a model."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from cnntention.reporting.style import legend_below, styled

    numbers = combined(measured)
    with styled():
        each = 3.6 + 0.3 * len(spec.models)
        figure = Figure(figsize=(10.5, 0.9 + each * len(spec.datasets)), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        blocks = figure.subfigures(len(spec.datasets), 1, squeeze=False)[:, 0]
        for block, dataset in zip(blocks, spec.datasets, strict=True):
            above, below = block.subfigures(2, 1, height_ratios=[1 + 0.3 * len(spec.models), 2.2])
            _measures(above, spec, dataset, numbers[numbers["dataset"] == dataset.name])
            _curves(below, spec, dataset, measured)
        handles = [Line2D([], [], linestyle="", label=name, **style) for name, style in _MAPS.items()]
        handles += [
            Line2D([], [], color="#222222", marker="|", label="95% interval"),
            Line2D([], [], color="#222222", label="as pixels come in"),
            Line2D([], [], color="#222222", linestyle="--", label="as pixels go out"),
        ]
        legend_below(figure, handles)
    return figure


def _measures(figure: "SubFigure", spec: StanzaSpec, dataset: Labelled, numbers: pd.DataFrame) -> None:
    axes = figure.subplots(1, len(_MEASURES), sharey=True)
    for ax, (name, title) in zip(axes, _MEASURES.items(), strict=True):
        for row, model in enumerate(spec.models):
            own = numbers[(numbers["model"] == model.name) & (numbers["name"] == name)]
            for place, (kind, style) in enumerate(_MAPS.items()):
                shown = own[own["map"] == kind] if "map" in own else own
                at = row + (place + 0.5) * _HEIGHT / len(_MAPS) - _HEIGHT / 2
                ends = [shown["value"] - shown["low"], shown["high"] - shown["value"]]
                heights = [at] * len(shown)
                ax.errorbar(shown["value"], heights, xerr=ends, linestyle="", markersize=4, capsize=2, **style)
        ax.set_title(f"{dataset.label}: {title}" if ax is axes[0] else title)
        ax.set_xlabel("probability (%)")
        ax.grid(visible=False, axis="y")
        ax.tick_params(axis="y", length=0)
        if name == "ROAD":
            ax.axvline(0, color="#222222", linewidth=0.8)
    there = set(numbers["model"])
    labels = [model.label + ("" if model.name in there else " (missing)") for model in spec.models]
    axes[0].set_yticks(range(len(spec.models)), labels)
    axes[0].set_ylim(len(spec.models) - 0.5, -0.5)


def _curves(figure: "SubFigure", spec: StanzaSpec, dataset: Labelled, measured: Measured) -> None:
    """Mean over the seeds that there are."""
    axes = figure.subplots(1, len(spec.models), sharey=True, squeeze=False)[0]
    for ax, model in zip(axes, spec.models, strict=True):
        runs = [run for run in measured.runs(spec.split) if (run.dataset, run.model) == (dataset.name, model.name)]
        arrays = [measured.arrays(run) for run in runs]
        for key, line in (("insertion", "-"), ("deletion", "--")):
            for place, style in enumerate(_MAPS.values() if arrays else ()):
                curve = 100 * np.mean([each[key][place] for each in arrays], axis=0)
                ax.plot(np.linspace(0, 100, len(curve)), curve, line, color=style["color"], linewidth=1.2)
        ax.set_title(model.label)
        ax.set_xlabel("pixels (%)")
        ax.set_xlim(0, 100)
    axes[0].set_ylim(0, 100)
    axes[0].set_ylabel("probability (%)")
