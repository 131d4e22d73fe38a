"""Attention over the positions of a feature map."""

import torch.nn.functional as F
from torch import Tensor

CUDA_DEPTH_MULTIPLE = 8
"""CUDA's fused kernels take heads of a multiple of 8 channels; for others torch stores all H*W x H*W weights."""


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, scale: float) -> Tensor:
    """``softmax(scale * Q K^T) V`` over the H*W positions for each head, without storing the H*W x H*W weights.

    Args:
        query: ``[B, C, H, W]``.
        key: ``[B, C, H, W]``.
        value: ``[B, C, H, W]``.
        heads: C is split into this many heads of neighbouring channels; must divide C.
        scale: of the scores.

    Returns:
        ``[B, C, H, W]``.
    """
    multiple = CUDA_DEPTH_MULTIPLE if query.is_cuda else 1
    q, k, v = (_pad(_split(x, heads), multiple) for x in (query, key, value))
    attended = F.scaled_dot_product_attention(q, k, v, scale=scale)[..., : query.shape[1] // heads]
    return attended.transpose(2, 3).reshape(query.shape)


def _split(x: Tensor, heads: int) -> Tensor:
    """``[B, C, H, W] -> [B, heads, H*W, C//heads]``: each position is a token.

    Contiguous, because scaled_dot_product_attention on the CPU takes its slow path, which stores all H*W x H*W
    weights, for a strided last dimension.
    """
    batch, channels = x.shape[:2]
    return x.reshape(batch, heads, channels // heads, -1).transpose(2, 3).contiguous()


def _pad(tokens: Tensor, multiple: int) -> Tensor:
    """Zeros up to a multiple of channels: they add nothing to Q K^T, and the columns that they add to V are cut off."""
    return F.pad(tokens, (0, -tokens.shape[-1] % multiple))
