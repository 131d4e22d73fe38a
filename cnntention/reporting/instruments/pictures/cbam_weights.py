"""What CBAM weighs: channels by class, positions over images, and the spread of both from image to image."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cnntention.network.specs import STAGES
from cnntention.reporting.instruments.pictures.attention_maps import show
from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

SPREADS = {"channels between images": "channels", "positions between images": "positions"}
_LINES = {1: "o", 2: "s", 3: "^"}


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """A row a dataset and model, of the first seed: channels by class and stage, then positions over images; below, the
    spread between images of all seeds."""
    from matplotlib.figure import Figure

    from cnntention.reporting.style import styled

    runs = {(run.dataset, run.model): run for run in measured.runs_of_a_seed(spec.split)}
    rows = [(dataset, model) for dataset in spec.datasets for model in spec.models]
    with styled(axes_grid=False):
        figure = Figure(figsize=(13, 2.1 * len(rows) + 2.6), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        ratios = [*[2.1] * len(rows), 2.4]
        *parts, last = np.asarray(figure.subfigures(len(ratios), 1, height_ratios=ratios), dtype=object)
        for part, (dataset, model) in zip(parts, rows, strict=True):
            run = runs.get((dataset.name, model.name))
            title = f"{model.label}, {dataset.label}" + (f", seed {run.seed}" if run else ": missing")
            part.suptitle(title, fontsize=9, fontweight="bold", x=0.01, ha="left")
            if run:
                _weights(part, measured.arrays(run))
        _spread(last, spec, combined(measured))
    return figure


def _weights(part: "SubFigure", of: dict[str, Any]) -> None:
    """Channels of each stage, in the order of their mean weight, by class; then each image and its positions."""
    stages = [stage for stage in STAGES if f"channels_{stage}" in of]
    images = of["images"]
    ratios = [2.2] * len(stages) + [1.0] * (len(images) * (1 + len(stages)))
    axes = iter(part.subplots(1, len(ratios), width_ratios=ratios))
    shown = None
    for stage in stages:
        ax = next(axes)
        by_class = of[f"channels_{stage}"]
        order = np.argsort(np.nanmean(by_class, axis=0))
        shown = ax.imshow(by_class[:, order], cmap="viridis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        ax.set_title(f"channels, stage {stage}", fontsize=8, fontweight="normal")
        ax.set_xlabel("channel", fontsize=7)
        ax.set_ylabel("class" if stage == stages[0] else "", fontsize=7)
        ax.tick_params(labelsize=6)
    for number, image in enumerate(images):
        ax = next(axes)
        show(ax, image)
        ax.set_title("image", fontsize=8, fontweight="normal")
        ax.set_axis_off()
        for stage in stages:
            ax = next(axes)
            ax.imshow(of[f"positions_{stage}"][number], cmap="viridis", vmin=0, vmax=1)
            ax.set_title(f"stage {stage}", fontsize=8, fontweight="normal")
            ax.set_axis_off()
    if shown is not None:
        part.colorbar(shown, ax=part.axes, shrink=0.8, aspect=15, pad=0.01).set_label("weight", fontsize=7)


def _spread(part: "SubFigure", spec: StanzaSpec, numbers: pd.DataFrame) -> None:
    """Standard deviation from image to image, models from left to right."""
    from matplotlib.lines import Line2D

    axes = part.subplots(1, len(spec.datasets) * len(SPREADS), squeeze=False)[0]
    panels = [(dataset, name, what) for dataset in spec.datasets for name, what in SPREADS.items()]
    for ax, (dataset, name, what) in zip(axes, panels, strict=True):
        for at, model in enumerate(spec.models):
            own = numbers[
                (numbers["dataset"] == dataset.name) & (numbers["model"] == model.name) & (numbers["name"] == name)
            ]
            for row in own.to_dict("records"):
                ax.plot(at + 0.15 * (row["stage"] - 2), row["value"], _LINES[row["stage"]], color=model.color)
        ax.set_xticks(range(len(spec.models)), [model.label for model in spec.models])
        ax.set_xlim(-0.5, len(spec.models) - 0.5)
        ax.set_ylim(bottom=0)
        ax.grid(axis="y")
        ax.set_title(f"{what} between images, {dataset.label}")
    axes[0].set_ylabel("standard deviation of a weight")
    handles = [
        Line2D([], [], marker=mark, linestyle="", color="#222222", label=f"stage {stage}")
        for stage, mark in _LINES.items()
    ]
    part.legend(handles=handles, loc="outside right center")
