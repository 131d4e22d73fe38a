"""Where chosen positions look: a row an image and position, a column a model and head, over the image."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = 1.15
"""Inches a picture."""


def draw(spec: StanzaSpec, measured: Measured) -> "Figure":
    """Of the first seed that is there. Colour is the weight by the largest of the map; the cross is who looks."""
    from matplotlib.figure import Figure

    from cnntention.reporting.style import styled

    runs = measured.runs_of_a_seed(spec.split)
    found = {(run.dataset, run.model): measured.arrays(run) for run in runs}
    datasets = [dataset for dataset in spec.datasets if any(dataset.name == name for name, _ in found)]
    rows = [
        (dataset, image, place)
        for dataset in datasets
        for image, place in np.ndindex(
            *next(of["weights"] for (name, _), of in found.items() if name == dataset.name).shape[:2]
        )
    ]
    heads = {
        model: max((of["weights"].shape[2] for (_, name), of in found.items() if name == model.name), default=1)
        for model in spec.models
    }
    with styled(axes_grid=False):
        columns = 1 + sum(heads.values())
        figure = Figure(figsize=(CELL * columns, 0.9 + CELL * max(1, len(rows))), layout="constrained")
        stage = spec.instrument.options["stage"]
        seed = f", stage {stage}, seed {runs[0].seed}" if runs else ": nothing is measured yet"
        figure.suptitle(f"{spec.caption}{seed}", fontsize=11, fontweight="bold")
        if not rows:
            return figure
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for ax in axes.flat:
            ax.set_xticks([])
            ax.set_yticks([])
        titles = [
            "image",
            *(
                f"{model.label}{f' {head + 1}' if heads[model] > 1 else ''}"
                for model in heads
                for head in range(heads[model])
            ),
        ]
        for ax, title in zip(axes[0], titles, strict=True):
            ax.set_title(title, fontsize=8)
        for row, (dataset, image, place) in zip(axes, rows, strict=True):
            cells = iter(row[1:])
            for model, count in heads.items():
                of = found.get((dataset.name, model.name))
                own = [next(cells) for _ in range(count)]
                if of is None:
                    own[0].text(0.5, 0.5, "missing", transform=own[0].transAxes, ha="center", va="center", fontsize=7)
                    continue
                _image(row[0], of, image, place)
                row[0].set_ylabel(f"{dataset.label} {of['indices'][image]}", fontsize=7)
                for head, ax in enumerate(own[: of["weights"].shape[2]]):
                    _map(ax, of, image, place, head)
    return figure


def _image(ax: "Axes", of: dict[str, Any], image: int, place: int) -> None:
    """The image, with a cross where the position that looks is."""
    show(ax, of["images"][image])
    height, width = of["images"].shape[1:3]
    rows, columns = of["weights"].shape[3:]
    row, column = of["places"][place]
    down, right = (row + 0.5) * height / rows - 0.5, (column + 0.5) * width / columns - 0.5
    ax.plot(right, down, marker="+", color="#00c8ff", markersize=9, markeredgewidth=1.8)


def _map(ax: "Axes", of: dict[str, Any], image: int, place: int, head: int) -> None:
    weights = of["weights"][image, place, head].astype(float)
    _image(ax, of, image, place)
    height, width = of["images"].shape[1:3]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    ax.imshow(weights / max(weights.max(), 1e-12), cmap="inferno", vmin=0, vmax=1, alpha=0.65, extent=extent)


def show(ax: "Axes", image: np.ndarray) -> None:
    """An image uint8 ``[H, W, C]`` in grey, so that colour means weights alone."""
    grey = image[..., 0] if image.shape[-1] == 1 else image @ np.array([0.299, 0.587, 0.114])
    ax.imshow(grey, cmap="gray", vmin=0, vmax=255)
