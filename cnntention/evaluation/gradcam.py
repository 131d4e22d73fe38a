"""Grad-CAM maps (Selvaraju et al. 2016) of several models on the same un-augmented test images (paper, Figs. 9-11)."""

import numpy as np
import torch
from torch import nn

from cnntention.network.resnet import ResNet


def target_layer(model: ResNet) -> nn.Module:
    """The layer that is explained: the third attention block with its residual, or else the last residual block."""
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
    from pytorch_grad_cam import GradCAM  # takes seconds to import, and only this step needs it

    with GradCAM(model=model, target_layers=[layer]) as cam:
        grayscale = cam(input_tensor=images, targets=None)
        return np.nan_to_num(grayscale), cam.outputs.detach().softmax(1).cpu().numpy()
