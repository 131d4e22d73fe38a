"""The size of a model: parameters and multiply-adds."""

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode


def parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def multiply_adds(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-adds of one forward pass on one image: convolutions, linear layers and both products of attention.

    Counted by torch's formulas. Element-wise work (batch norm, ReLU, softmax, gating) is left out, as usual.

    Args:
        model: any device; it is not changed.
        image_shape: height, width, channels.
    """
    height, width, channels = image_shape
    # Only the plain attention path splits into the matrix products that have a formula on every torch version; our own
    # operator does not take float64. On the CPU, as batch norm on device "meta" imports torch.compile as well.
    shadow = copy.deepcopy(model).to("cpu", torch.float64).eval()
    with _FlopCounter() as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        shadow(torch.zeros(1, channels, height, width, dtype=torch.float64))
    return counter.flops // 2


class _FlopCounter(TorchDispatchMode):
    """What torch's ``FlopCounterMode`` counts in all.

    That one imports torch.compile when it is first used, which would be a third of the time of a small evaluation.
    """

    def __init__(self) -> None:
        from torch.utils.flop_counter import flop_registry  # imports Triton, which no training needs

        super().__init__()
        self.formulas = flop_registry
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled in here, and hiding from torch.compile takes importing it

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in self.formulas:
            self.flops += self.formulas[func.overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result
