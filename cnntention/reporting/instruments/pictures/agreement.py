"""A matrix of models: how far their maps of the same images agree, on the diagonal those of two seeds of one model."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cnntention.reporting.instruments.comparisons.agreement import AGREEMENT, OTHER_SEED, compare
from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import combined
from cnntention.reporting.selection import Labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """A panel a dataset: a row a model, a column what it is beside; the last one another image, for what is chance."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    from cnntention.reporting.style import styled

    numbers = pd.concat([combined(measured), compare(spec, measured)], ignore_index=True)
    numbers = numbers[numbers["name"] == AGREEMENT]
    with styled(axes_grid=False):
        side = 1.2 + 0.75 * len(spec.models)
        figure = Figure(figsize=(1.5 + (side + 1.8) * len(spec.datasets), side + 1), layout="constrained")
        figure.suptitle(spec.caption, fontsize=11, fontweight="bold")
        axes = figure.subplots(1, len(spec.datasets), squeeze=False)[0]
        for ax, dataset in zip(axes, spec.datasets, strict=True):
            _matrix(ax, spec, dataset, numbers[numbers["dataset"] == dataset.name])
        bar = figure.colorbar(ScalarMappable(Normalize(0, 1), "viridis"), ax=axes, shrink=0.7, pad=0.02)
        bar.set_label("rank correlation of maps")
    return figure


def _matrix(ax: "Axes", spec: StanzaSpec, dataset: Labelled, numbers: pd.DataFrame) -> None:
    columns = [*(model.label for model in spec.models), "another image"]
    found = np.full((len(spec.models), len(columns)), np.nan)
    for row, model in enumerate(spec.models):
        for column, beside in enumerate(columns):
            label = OTHER_SEED if beside == model.label else beside
            own = numbers[(numbers["model"] == model.name) & (numbers["beside"] == label)] if len(numbers) else numbers
            if len(own):
                found[row, column] = own["value"].iloc[0]
    ax.imshow(found, cmap="viridis", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(found):
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": "white" if value < 0.6 else "#222222"}
        same = columns[column] == spec.models[row].label
        if np.isnan(value):
            ax.text(column, row, "one\nseed" if same and len(spec.seeds) == 1 else "–", **style)
            continue
        ax.text(column, row, f"{value:.2f}", **style)
        if same:
            ax.text(column, row + 0.3, "between seeds", fontsize=6, **style)
    ax.axvline(len(spec.models) - 0.5, color="white", linewidth=4)
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    ax.set_yticks(range(len(spec.models)), [model.label for model in spec.models])
    ax.tick_params(length=0)
    ax.set_title(dataset.label)
