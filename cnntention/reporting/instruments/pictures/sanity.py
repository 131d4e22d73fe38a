"""Whether maps depend on what is learned: agreement with the real map as weights are lost; and where the maps lie."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined
from cnntention.reporting.selection import Labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRAINED = "as trained"
_INK = "#222222"
_HEIGHT = 0.6
"""Of the marks of one network, in rows."""


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """For each dataset, networks from top to bottom, and beside them the maps' energy by distance from the centre."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from cnntention.reporting.style import legend_below, styled

    numbers = combined(measured)
    agreement = numbers[numbers["name"] == "rank correlation"]
    agreement = agreement[agreement["network"] != _TRAINED] if len(agreement) else agreement
    with styled():
        figure = Figure(figsize=(9.5, 1 + 3.4 * len(spec.datasets)), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        axes = figure.subplots(len(spec.datasets), 2, squeeze=False, width_ratios=[3, 2])
        for (left, right), dataset in zip(axes, spec.datasets, strict=True):
            _correlations(left, spec, dataset, agreement[agreement["dataset"] == dataset.name])
            _energy(right, spec, dataset, measured)
        missing = {model.name: "" if (numbers["model"] == model.name).any() else " (missing)" for model in spec.models}
        handles = [
            Line2D([], [], color=model.color, marker="o", label=model.label + missing[model.name])
            for model in spec.models
        ]
        handles.append(Line2D([], [], color=_INK, marker="|", label="95% interval"))
        legend_below(figure, handles)
    return figure


def _correlations(ax: "Axes", spec: StanzaSpec, dataset: Labelled, numbers: pd.DataFrame) -> None:
    networks = list(dict.fromkeys(numbers["network"])) if "network" in numbers else []
    ax.axvline(0, color=_INK, linewidth=0.8)
    for place, model in enumerate(spec.models):
        for row, network in enumerate(networks):
            own = numbers[(numbers["model"] == model.name) & (numbers["network"] == network)]
            at = row + (place + 0.5) * _HEIGHT / len(spec.models) - _HEIGHT / 2
            ends = [own["value"] - own["low"], own["high"] - own["value"]]
            ax.errorbar(own["value"], [at] * len(own), xerr=ends, fmt="o", color=model.color, markersize=4, capsize=2.5)
    ax.set_yticks(range(len(networks)), networks)
    ax.set_ylim(max(len(networks), 1) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("rank correlation with the map as trained")
    ax.set_title(dataset.label)


def _energy(ax: "Axes", spec: StanzaSpec, dataset: Labelled, measured: Measured) -> None:
    """Of each seed a line."""
    ax.axhline(1, color=_INK, linewidth=0.8)
    for model in spec.models:
        for run in measured.runs(spec.split):
            if (run.dataset, run.model) == (dataset.name, model.name):
                arrays = measured.arrays(run)
                middle = (arrays["edges"][1:] + arrays["edges"][:-1]) / 2
                density = np.divide(arrays["energy"], arrays["area"])
                ax.plot(middle, density, marker=".", color=model.color, linewidth=1.2, alpha=0.8)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("distance from the centre (px)")
    ax.set_ylabel("energy of maps (even map: 1)")
    ax.set_title("where maps lie")
