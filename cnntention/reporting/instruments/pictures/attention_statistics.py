"""Entropy, distance and locality of attention weights by stage: heads as dots, their mean with its spread."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined
from cnntention.reporting.selection import Coloured, Labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

PANELS = {
    "entropy": "entropy (% of equal weights')",
    "distance": "distance (pixels of the input)",
    "3x3 around it": "weight within 3x3 positions (%)",
}
_INK = "#222222"
_WIDTH = 0.6
"""Of what is drawn of a stage, in stages."""


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """A row a dataset, a panel a number: stages from left to right, models side by side, equal weights as a line."""
    from matplotlib.figure import Figure

    from cnntention.reporting.style import legend_below, styled

    numbers = combined(measured)
    with styled():
        figure = Figure(figsize=(10.5, 0.6 + 3.0 * len(spec.datasets)), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        axes = figure.subplots(len(spec.datasets), len(PANELS), squeeze=False)
        for row, dataset in zip(axes, spec.datasets, strict=True):
            of_dataset = numbers[numbers["dataset"] == dataset.name]
            for ax, (name, label) in zip(row, PANELS.items(), strict=True):
                _panel(ax, spec, dataset, of_dataset, name)
                ax.set_ylabel(label)
        legend_below(figure, _legend(spec, numbers))
    return figure


def _panel(ax: "Axes", spec: StanzaSpec, dataset: Labelled, numbers: pd.DataFrame, name: str) -> None:
    stages = sorted(numbers["stage"].unique()) if "stage" in numbers else []
    step = _WIDTH / len(spec.models)
    for place, stage in enumerate(stages):
        of_stage = numbers[numbers["stage"] == stage]
        for number, model in enumerate(spec.models):
            at = place + (number + 0.5) * step - _WIDTH / 2
            own = of_stage[(of_stage["model"] == model.name) & (of_stage["name"] == name)]
            _heads(ax, at, step, model, own)
        equal = of_stage.loc[of_stage["name"] == f"{name}, equal weights", "value"]
        if name == "entropy" or not equal.empty:
            height = 100.0 if name == "entropy" else float(equal.iloc[0])
            ax.hlines(height, place - _WIDTH / 2, place + _WIDTH / 2, color=_INK, linestyle=(0, (4, 1.5)), linewidth=1)
    ax.set_xticks(range(len(stages)), [f"stage {stage}" for stage in stages])
    ax.set_xlim(-0.5, max(len(stages), 1) - 0.5)
    ax.set_ylim(bottom=0)
    ax.grid(visible=False, axis="x")
    ax.set_title(dataset.label)


def _heads(ax: "Axes", at: float, width: float, model: Coloured, own: pd.DataFrame) -> None:
    """One model in one stage: each head a dot, and the mean with the standard deviation over images."""
    heads = own[own["head"] != "all"]
    if len(heads) > 1:
        places = at + width * 0.7 * (np.arange(len(heads)) / (len(heads) - 1) - 0.5)
        ax.scatter(places, heads["value"], s=12, color=model.color, alpha=0.5, linewidths=0)
    mean = own[own["head"] == "all"] if len(heads) > 1 else own
    ax.errorbar(
        [at] * len(mean), mean["value"], yerr=mean["spread"], fmt="o", color=model.color, markersize=5, capsize=2.5
    )


def _legend(spec: StanzaSpec, numbers: pd.DataFrame) -> "list[Line2D]":
    from matplotlib.lines import Line2D

    handles = []
    for model in spec.models:
        missing = "" if (numbers["model"] == model.name).any() else " (missing)"
        handles.append(Line2D([], [], color=model.color, marker="o", linestyle="", label=model.label + missing))
    return [
        *handles,
        Line2D([], [], color=_INK, marker="_", label="mean over images ± their standard deviation", linestyle=""),
        Line2D([], [], color=_INK, marker=".", alpha=0.5, label="a head", linestyle=""),
        Line2D([], [], color=_INK, linestyle=(0, (4, 1.5)), label="equal weights"),
    ]
