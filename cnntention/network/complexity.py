"""The size of a model: parameters and multiply-adds."""

import copy

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def multiply_adds(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-adds of one forward pass on one image: convolutions, linear layers and both products of attention.

    Counted by torch on shapes alone. Element-wise work (batch norm, ReLU, softmax, gating) is left out, as usual.

    Args:
        model: any device; it is not changed.
        image_shape: height, width, channels.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imports Triton, which no training needs

    height, width, channels = image_shape
    shadow = copy.deepcopy(model).to("meta").eval()
    # Only the plain attention path splits into the matrix products that the counter knows on every torch version.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        shadow(torch.empty(1, channels, height, width, device="meta"))
    return counter.get_total_flops() // 2
