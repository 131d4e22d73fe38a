"""Grad-CAM maps (Selvaraju et al. 2016) of several models on the same un-augmented test images (paper, Figs. 9-11)."""

import json
import os

import numpy as np
import torch
from torch import nn

from cnntention import checkpoint
from cnntention.data import dataset as datasets
from cnntention.data.batches import Normalizer
from cnntention.device import Machine, enough_memory, select
from cnntention.errors import DataError
from cnntention.files import write_text
from cnntention.grids import Column, draw
from cnntention.resnet import ResNet
from cnntention.style import save


def target_layer(model: ResNet) -> nn.Module:
    """The layer that is explained: the third attention block with its residual, or the last block without attention."""
    attention = model.attention[-1]
    return list(model.stages[-1].children())[-1] if isinstance(attention, nn.Identity) else attention


def maps(model: nn.Module, layer: nn.Module, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Grad-CAM of each image for the class that the model predicts.

    Args:
        model: in evaluation mode.
        layer: one of its modules, with output ``[B, C, h, w]``.
        images: network input ``[B, C, H, W]``.

    Returns:
        Maps float ``[B, H, W]``, each stretched to 0..1 (all zero where it is the same everywhere), and
        probabilities ``[B, classes]``.
    """
    from pytorch_grad_cam import GradCAM  # seconds of imports that only this step needs

    with GradCAM(model=model, target_layers=[layer]) as cam:
        grayscale = cam(input_tensor=images, targets=None)
        return np.nan_to_num(grayscale), cam.outputs.detach().softmax(1).cpu().numpy()


def run(
    spec: dict,
    model_paths: list[str],
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    picture_path: str | os.PathLike,
    json_path: str | os.PathLike,
    machine: Machine | None = None,
) -> dict:
    """Draw the grid of one dataset, and write beside it what each model predicted.

    Args:
        spec: see :meth:`cnntention.study.Study.grid_spec`.
        model_paths: a checkpoint for each model of the spec, in order.
        data_path: the prepared data.
        card_path: its card.
        picture_path: the PNG to write.
        json_path: the JSON to write.
        machine: what to compute on.

    Returns:
        What the JSON holds.

    Raises:
        CheckpointError, DataError, DeviceError: see there; DataError also for an index beyond the test set.
    """
    with enough_memory(os.fspath(picture_path), "run fewer at once"):
        target = select(machine or Machine())
        data = datasets.load(data_path, card_path, device=target)
        available = len(data.parts["test"])
        beyond = [index for index in spec["images"] if index >= available]
        if beyond:
            key = f"gradcam.{spec['dataset']['name']}.images"
            raise DataError(f"{key}: {beyond[0]} lies beyond the {available} test images")
        chosen = torch.tensor(spec["images"], device=target)
        images, labels = data.parts["test"].images[chosen], data.parts["test"].labels[chosen].tolist()

        columns, report = [], {"seed": spec["seed"], "split": spec["split"], "models": {}}
        report["images"] = [
            {"index": index, "label": data.class_names[label]}
            for index, label in zip(spec["images"], labels, strict=True)
        ]
        for entry, path in zip(spec["models"], model_paths, strict=True):
            trained = checkpoint.load(path)
            trained.require_data(data.sha256, path)
            model = trained.model.to(target)
            normalize = Normalizer(trained.spec["normalization"], data.in_channels, target)
            heat, probabilities = maps(model, target_layer(model), normalize(images))
            predictions = probabilities.argmax(1).tolist()
            columns.append(Column(entry["label"], heat, predictions))
            report["models"][entry["name"]] = [
                {
                    "prediction": data.class_names[predicted],
                    "probability": round(float(row[predicted]), 4),
                    "right": predicted == label,
                    "map_is_zero": not heat[i].any(),
                }
                for i, (predicted, label, row) in enumerate(zip(predictions, labels, probabilities, strict=True))
            ]
    figure = draw(spec, images.cpu().numpy(), labels, data.class_names, columns)
    save(figure, picture_path, spec["style"]["dpi"])
    write_text(json_path, json.dumps(report, indent=2) + "\n")
    return report
