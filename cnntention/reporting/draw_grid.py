"""Grad-CAM grids (paper, Figs. 9-11): a column for each model, a row for each of the same un-augmented test images."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from cnntention.base import specs
from cnntention.base.device import Machine, select
from cnntention.base.errors import CheckpointError, DataError
from cnntention.base.files import write_text
from cnntention.base.layout import DataFiles
from cnntention.base.memory import enough_memory
from cnntention.data import dataset as datasets
from cnntention.data.batches import Normalizer
from cnntention.evaluation import gradcam
from cnntention.reporting.grid import SUFFIXES, GridSpec
from cnntention.reporting.style import Figure, save, styled
from cnntention.training import checkpoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT, WRONG = "#1a7f37", "#c62828"


@dataclasses.dataclass(frozen=True)
class Column:
    """One model: its label, its maps ``[B, H, W]`` in 0..1, and its predictions ``[B]``."""

    label: str
    maps: np.ndarray
    predictions: list[int]


def compose(
    spec: GridSpec, images: np.ndarray, labels: list[int], class_names: list[str], columns: list[Column]
) -> Figure:
    """The grid: each original with label and index, then a map for each model with its prediction.

    A right prediction has a green frame and a check mark, a wrong one a red frame and a cross.

    Args:
        spec: of the grid.
        images: uint8 ``[B, H, W, C]``, as they are in the test set.
        labels: ``[B]``.
        class_names: by label.
        columns: the models.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    rows, cell = len(images), spec.style.cell
    with styled(axes_grid=False):
        figure = Figure(figsize=(cell * (1 + len(columns)) + 0.7, (cell + 0.22) * rows + 0.6), layout="constrained")
        figure.suptitle(f"Grad-CAM, {spec.dataset.label} test images, seed {spec.seed}", fontweight="bold")
        axes = figure.subplots(rows, 1 + len(columns), squeeze=False)
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            show(axes[row, 0], image)
            _name(axes[row, 0], f"{class_names[label]} · index {spec.images[row]}", "#222222")
            for ax, column in zip(axes[row, 1:], columns, strict=True):
                show(ax, image, gray=True)
                ax.imshow(column.maps[row], cmap="inferno", vmin=0, vmax=1, alpha=0.6, interpolation="bilinear")
                predicted = column.predictions[row]
                right = predicted == label
                _name(ax, f"{'✓' if right else '✗'} {class_names[predicted]}", RIGHT if right else WRONG)
        for ax, title in zip(axes[0], ["Original", *(column.label for column in columns)], strict=True):
            ax.set_title(title, pad=8)
        scale = ScalarMappable(Normalize(0, 1), "inferno")
        bar = figure.colorbar(scale, ax=axes, shrink=0.5 if rows > 1 else 0.9, aspect=25, pad=0.01)
        bar.set_label(f"relevance to the {'label' if spec.target == 'label' else 'predicted class'}")
    return figure


def show(ax: "Axes", image: np.ndarray, gray: bool = False) -> None:
    """An image, uint8 ``[H, W, C]``.

    Args:
        ax: to draw on.
        image: grey or in colour.
        gray: without its colours, below a map, so that colour means relevance alone.
    """
    if image.shape[-1] == 1:
        ax.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255)
    elif gray:
        ax.imshow(image @ np.array([0.299, 0.587, 0.114]), cmap="gray", vmin=0, vmax=255)
    else:
        ax.imshow(image)


def _name(ax: "Axes", text: str, color: str) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(text, color=color, fontsize=9)
    for spine in ax.spines.values():
        spine.set(visible=True, color=color, linewidth=2 if color in (RIGHT, WRONG) else 0.8)


def draw_grid(
    spec: GridSpec,
    model_paths: Sequence[str | os.PathLike],
    data_files: DataFiles,
    stem: str | os.PathLike,
    machine: Machine | None = None,
) -> dict:
    """Draw the grid of one dataset to ``stem`` + ``.png``, and write to ``stem`` + ``.json`` what each model predicted.

    Args:
        spec: of the grid.
        model_paths: a checkpoint for each model of the spec, in order.
        data_files: the prepared data.
        stem: of both files, without a suffix.
        machine: what to compute on.

    Returns:
        What the JSON holds.

    Raises:
        CheckpointError: a checkpoint is missing, damaged, or made by another config.
        DataError: the prepared data are missing or damaged, or an index lies beyond the test set.
        DeviceError: the device is not there, or runs out of memory.
    """
    picture, answers = (os.fspath(stem) + suffix for suffix in SUFFIXES)
    with enough_memory(picture, "run fewer at once"):
        target = select(machine or Machine())
        data = datasets.load(data_files.data, data_files.card, device=target)
        available = len(data.parts["test"])
        beyond = [index for index in spec.images if index >= available]
        if beyond:
            key = f"gradcam.{spec.dataset.name}.images"
            raise DataError(f"{key}: {beyond[0]} lies beyond the {available} test images")
        chosen = torch.tensor(list(spec.images), device=target)
        images, classes = data.parts["test"].images[chosen], data.parts["test"].labels[chosen]
        labels = classes.tolist()

        columns: list[Column] = []
        report: dict = {"seed": spec.seed, "split": spec.split, "target": spec.target, "models": {}}
        report["images"] = [
            {"index": index, "label": data.class_names[label]} for index, label in zip(spec.images, labels, strict=True)
        ]
        for entry, path in zip(spec.models, model_paths, strict=True):
            trained = checkpoint.load(path)
            trained.require_data(data.sha256, path)
            if specs.digest(trained.spec) != spec.digest_of(entry):
                raise CheckpointError(f"{path}: trained by another config than this one; train this run again")
            model = trained.model.to(target)
            normalize = Normalizer(trained.spec.normalization, data.in_channels, target)
            layer, explained = gradcam.target_layer(model), classes if spec.target == "label" else None
            heat, probabilities = gradcam.maps(model, layer, normalize(images), explained)
            predictions = probabilities.argmax(1).tolist()
            columns.append(Column(entry.label, heat, predictions))
            report["models"][entry.name] = [
                {
                    "prediction": data.class_names[predicted],
                    "probability": round(float(row[predicted]), 4),
                    "right": predicted == label,
                    "map_is_zero": not heat[i].any(),
                }
                for i, (predicted, label, row) in enumerate(zip(predictions, labels, probabilities, strict=True))
            ]
    figure = compose(spec, images.cpu().numpy(), labels, data.class_names, columns)
    save(figure, picture, spec.style.dpi)
    write_text(answers, json.dumps(report, indent=2) + "\n")
    return report
