"""Placebos: blocks with all that an attention block has, except that nothing is attended to.

A model that gains as much from a placebo as from attention gains from its parameters and its path, not from attention.
Parameters have the names, shapes and initial values of the block that a placebo stands for. Here is what placebos of
SelfAtt and MHA share.
"""

import functools

import torch
from torch import Tensor


def mean_value(value: Tensor) -> Tensor:
    """What softmax attention with equal weights gives at every position: the mean over them."""
    return value.mean((2, 3), keepdim=True).expand_as(value)


def equal_weights(x: Tensor, heads: int) -> Tensor:
    """``[B, heads, H*W, H*W]``, all of them 1/(H*W)."""
    positions = x.shape[2:].numel()
    return x.new_full((), 1 / positions).expand(len(x), heads, positions, positions)


def fixed(which: int, x: Tensor) -> Tensor:
    """Standard normal numbers in the shape of one image of x, always the same ones for a shape."""
    return _drawn(which, tuple(x.shape[1:]), x.dtype, x.device).expand_as(x)


@functools.lru_cache(maxsize=16)  # on the device, since a CUDA graph cannot copy from the CPU
def _drawn(which: int, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # it may be needed in training later
        return torch.randn(1, *shape, generator=torch.Generator().manual_seed(which)).to(device, dtype)
