"""The operator as torch sees it: its shapes and its gradient."""

import functools
from typing import Any

import torch
from torch import Tensor

from cnntention.attention.cpu import build


@functools.cache
def load() -> None:
    """Make ``torch.ops.cnntention.attention`` known: built at first use, see :mod:`cnntention.attention.cpu.build`.

    Raises:
        BuildError: this machine cannot have it.
    """
    build.load()
    torch.library.register_fake("cnntention::attention", _shapes)
    torch.library.register_fake("cnntention::attention_backward", _shapes_of_gradients)
    torch.library.register_autograd("cnntention::attention", _backward, setup_context=_save)


def attention(query: Tensor, key: Tensor, value: Tensor, heads: int, scale: float) -> Tensor:
    """``softmax(scale * Q K^T) V`` for each head.

    Computed in float32, with sums over positions in float32. bfloat16 is read and written as it is; its exponentials
    have a relative error of 7.5e-5 (float32: 1e-7).

    Args:
        query: ``[B, C, N]`` on the CPU, float32 or bfloat16, in any layout.
        key: like query.
        value: like query.
        heads: C is split into this many heads of neighbouring channels.
        scale: of the scores.

    Returns:
        ``[B, C, N]`` in the layout of query.
    """
    return torch.ops.cnntention.attention(query, key, value, scale, heads)[0]


def _shapes(q: Tensor, k: Tensor, v: Tensor, scale: float, heads: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(q), q.new_empty((q.shape[0], heads, q.shape[2]), dtype=torch.float32)


def _shapes_of_gradients(
    g: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, log_sum: Tensor, scale: float, heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def _save(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    query, key, value, ctx.scale, ctx.heads = inputs
    attended, log_sum = output
    ctx.save_for_backward(query, key, value, attended, log_sum)
    ctx.mark_non_differentiable(log_sum)


def _backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
    saved = torch.ops.cnntention.attention_backward(gradient, *ctx.saved_tensors, ctx.scale, ctx.heads)
    return (*saved, None, None)
