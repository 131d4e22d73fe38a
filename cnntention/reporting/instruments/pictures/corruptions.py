"""Error by strength of each corruption."""

import math
from typing import TYPE_CHECKING

import pandas as pd

from cnntention.data.split import judging_part
from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
STRENGTHS = (1, 2, 3, 4, 5)
NONE, ALL = "none", "all"
MEAN = "mean error"
STRENGTH = "strength "


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """A panel a corruption, and one of their mean, a block of panels a dataset; strength 0 is the image as it is."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from cnntention.reporting.style import legend_below, styled

    numbers = combined(measured)
    kinds = [kind for kind in dict.fromkeys(numbers.get("corruption", [])) if kind != NONE] or [ALL]
    rows = math.ceil(len(kinds) / COLUMNS)
    with styled():
        figure = Figure(figsize=(9.0, 1.0 + 2.1 * rows * len(spec.datasets)), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        axes = figure.subplots(rows * len(spec.datasets), COLUMNS, squeeze=False, sharex=True)
        for number, dataset in enumerate(spec.datasets):
            panels = axes[number * rows : (number + 1) * rows].ravel()
            own = numbers[numbers["dataset"] == dataset.name]
            for ax, kind in zip(panels, kinds, strict=False):
                _panel(ax, spec, own[own["corruption"].isin([kind, NONE])] if len(own) else own)
                ax.set_title(f"{dataset.label}: {'mean of all' if kind == ALL else kind}")
            for ax in panels[len(kinds) :]:
                ax.set_axis_off()
        for ax in axes[-1]:
            ax.set_xlabel("strength")
        for ax in axes[:, 0]:
            ax.set_ylabel(f"{judging_part(spec.split)} error (%)")
        there = set(numbers["model"])
        handles = [
            Line2D([], [], color=model.color, label=model.label + ("" if model.name in there else " (missing)"))
            for model in spec.models
        ]
        legend_below(figure, handles)
    return figure


def _panel(ax: "Axes", spec: StanzaSpec, numbers: pd.DataFrame) -> None:
    for model in spec.models:
        own = numbers[numbers["model"] == model.name]
        if own.empty:
            continue
        clean = own[(own["corruption"] == NONE) & (own["name"] == MEAN)].assign(strength=0)
        hurt = own[(own["corruption"] != NONE) & own["name"].str.startswith(STRENGTH)]
        hurt = hurt.assign(strength=hurt["name"].str.removeprefix(STRENGTH).astype(int))
        line = pd.concat([clean, hurt])
        ax.plot(line["strength"], line["value"], color=model.color, marker=".")
        ax.fill_between(line["strength"], line["low"], line["high"], color=model.color, alpha=0.15, linewidth=0)
    ax.set_ylim(0, min(100.0, ax.get_ylim()[1]))
    ax.set_xticks([0, *STRENGTHS])
