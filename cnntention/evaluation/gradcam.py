"""Grad-CAM maps (Selvaraju et al. 2016), for the grids (paper, Figs. 9-11) and for what instruments measure of maps."""

import contextlib
from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn

from cnntention.network.resnet import ResNet

AT_ONCE = 100
"""Images in a batch, whose graph is kept until its maps are made."""


def target_layer(model: ResNet) -> nn.Module:
    """The layer that is explained: the third attention block with its residual, or else the last residual block."""
    attention = model.attention[-1]
    return list(model.stages[-1].children())[-1] if isinstance(attention, nn.Identity) else attention


def maps(
    model: nn.Module, layer: nn.Module, images: Tensor, classes: Tensor | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Grad-CAM of each image for one class: where the layer's feature map speaks for it.

    Args:
        model: in evaluation mode.
        layer: one of its modules, with output ``[B, C, h, w]``.
        images: network input ``[B, C, H, W]``.
        classes: int64 ``[B]``; None: for each image the class that the model predicts.

    Returns:
        Maps float32 ``[B, H, W]``, each stretched to 0..1 (all zero where it is the same everywhere), and
        probabilities ``[B, classes]``.
    """
    from pytorch_grad_cam import GradCAM  # takes seconds to import, and only a few steps need it
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    heat, probabilities = [], []
    with _graph_from(layer, model), GradCAM(model=model, target_layers=[layer]) as cam:
        for start in range(0, len(images), AT_ONCE):
            batch = slice(start, start + AT_ONCE)
            targets = None if classes is None else [ClassifierOutputTarget(each) for each in classes[batch].tolist()]
            heat.append(np.nan_to_num(cam(input_tensor=images[batch], targets=targets)))
            probabilities.append(cam.outputs.detach().softmax(1).cpu().numpy())
    return np.concatenate(heat), np.concatenate(probabilities)


@contextlib.contextmanager
def _graph_from(layer: nn.Module, model: nn.Module) -> Iterator[None]:
    """Within this, the model keeps a graph from the layer's output on alone: a map needs no other gradient."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def begin(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        output.requires_grad_()

    handle = layer.register_forward_hook(begin)
    try:
        for parameter in learned:
            parameter.requires_grad_(False)
        yield
    finally:
        handle.remove()
        for parameter in learned:
            parameter.requires_grad_()
