"""The picture of a Grad-CAM grid: images down, models across."""

import dataclasses

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from cnntention.style import STYLE

RIGHT, WRONG = "#1a7f37", "#c62828"


@dataclasses.dataclass(frozen=True)
class Column:
    """One model: its label, its maps ``[B, H, W]`` in 0..1, and its predictions ``[B]``."""

    label: str
    maps: np.ndarray
    predictions: list[int]


def draw(spec: dict, images: np.ndarray, labels: list[int], class_names: list[str], columns: list[Column]) -> Figure:
    """The grid: each original with label and index, then a map for each model with its prediction.

    A right prediction has a green frame and a check mark, a wrong one a red frame and a cross.

    Args:
        spec: see :meth:`cnntention.study.Study.grid_spec`.
        images: uint8 ``[B, H, W, C]``, as they are in the test set.
        labels: ``[B]``.
        class_names: by label.
        columns: the models.
    """
    rows, cell = len(images), spec["style"]["cell"]
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(cell * (1 + len(columns)) + 0.7, (cell + 0.22) * rows + 0.6), layout="constrained")
        figure.suptitle(f"Grad-CAM, {spec['dataset']['label']} test images, seed {spec['seed']}", fontweight="bold")
        axes = figure.subplots(rows, 1 + len(columns), squeeze=False)
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            _show(axes[row, 0], image)
            _name(axes[row, 0], f"{class_names[label]} · index {spec['images'][row]}", "#222222")
            for ax, column in zip(axes[row, 1:], columns, strict=True):
                _show(ax, image, gray=True)
                ax.imshow(column.maps[row], cmap="inferno", vmin=0, vmax=1, alpha=0.6, interpolation="bilinear")
                predicted = column.predictions[row]
                right = predicted == label
                _name(ax, f"{'✓' if right else '✗'} {class_names[predicted]}", RIGHT if right else WRONG)
        for ax, title in zip(axes[0], ["Original", *(column.label for column in columns)], strict=True):
            ax.set_title(title, pad=8)
        scale = ScalarMappable(Normalize(0, 1), "inferno")
        bar = figure.colorbar(scale, ax=axes, shrink=0.5 if rows > 1 else 0.9, aspect=25, pad=0.01)
        bar.set_label("relevance to the predicted class")
    return figure


def _show(ax: Axes, image: np.ndarray, gray: bool = False) -> None:
    if image.shape[-1] == 1:
        ax.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255)
    elif gray:  # below a map, so that colour means relevance alone
        ax.imshow(image @ np.array([0.299, 0.587, 0.114]), cmap="gray", vmin=0, vmax=255)
    else:
        ax.imshow(image)


def _name(ax: Axes, text: str, color: str) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(text, color=color, fontsize=9)
    for spine in ax.spines.values():
        spine.set(visible=True, color=color, linewidth=2 if color in (RIGHT, WRONG) else 0.8)
