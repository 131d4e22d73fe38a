"""Grad-CAM maps of all images of a subject, and how far two maps agree: what the instruments that judge maps share."""

import numpy as np
import torch
from torch import Tensor, nn

from cnntention.evaluation import gradcam
from cnntention.instruments.contract import Subject
from cnntention.network.resnet import ResNet


def of(subject: Subject, classes: Tensor, model: ResNet | None = None) -> np.ndarray:
    """Grad-CAM of each image for one class, float32 ``[N, H, W]`` in 0..1, all zero where nothing speaks for it.

    Args:
        subject: its images, and its model unless another is given.
        classes: int64 ``[N]``.
        model: of the same architecture, on the same device.
    """
    model = model or subject.model
    return gradcam.maps(model, gradcam.target_layer(model), subject.normalize(subject.part.images), classes)[0]


def resolution(subject: Subject) -> tuple[int, int]:
    """Height and width of the feature map that is explained, before its map is enlarged to the image's size."""
    seen: list[torch.Size] = []

    def look(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        seen.append(output.shape)

    with gradcam.target_layer(subject.model).register_forward_hook(look), torch.inference_mode():
        subject.model(subject.normalize(subject.part.images[:1]))
    return seen[0][2], seen[0][3]


def standard_ranks(maps: np.ndarray) -> np.ndarray:
    """Ranks of each map's pixels, less their mean, of length 1: ``[N, H, W] -> float32 [N, H W]``.

    Equal pixels share their mean rank. A map that is the same everywhere has no order: zeros.
    """
    from scipy.stats import rankdata

    ranks = rankdata(maps.reshape(len(maps), -1), axis=1).astype(np.float32)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 1e-3)


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each pair of maps, float64 ``[N]``, from their :func:`standard_ranks`; a map
    without an order agrees with none: 0."""
    return (one.astype(np.float64) * other).sum(axis=1)


def empty(maps: np.ndarray) -> np.ndarray:
    """Which maps are zero everywhere, bool ``[N]``."""
    return np.logical_not(maps.any(axis=(1, 2)))
