"""Dot-product attention over the positions of a feature map, over its channels, or over both."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cnntention.attention import kernel
from cnntention.attention.cpu import operator

CUDA_DEPTH_MULTIPLE = 8
"""CUDA's fused kernels take heads of a multiple of 8 channels; for others torch stores all H*W x H*W weights."""

FEW_CHANNELS, MANY_POSITIONS = 8, 32
"""Our operator is faster than torch's with so few channels a head or so many positions.

Time of forward and backward, ours by torch's, on one core of an AMD EPYC (Zen 5, AVX-512), in fp32 / bf16:

| channels a head | 4 positions | 16 | 64 | 256 | 1024 |
|---|---|---|---|---|---|
| 8 | 0.38 / 0.17 | 0.35 / 0.22 | 0.31 / 0.08 | 0.27 / 0.20 | 0.3 / 0.3 |
| 16 | 1.19 / 0.43 | 1.13 / 0.36 | 0.47 / 0.08 | 0.42 / 0.26 | 0.33 / 0.39 |
| 64 | 2.9 / 1.2 | 1.7 / 0.20 | 0.62 / 0.26 | 0.49 / 0.47 | 0.42 / 0.53 |
| 256 | 6.0 / 2.5 | 2.4 / 0.77 | 0.73 / 0.58 | 0.54 / 0.65 | 0.55 / 0.75 |
"""


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
    if _ours(query, heads):
        q, k, v = (x.flatten(2) for x in (query, key, value))
        return operator.attention(q, k, v, heads, scale).view(query.shape)
    multiple = CUDA_DEPTH_MULTIPLE if query.is_cuda else 1
    q, k, v = (_pad(_split(x, heads), multiple) for x in (query, key, value))
    attended = F.scaled_dot_product_attention(q, k, v, scale=scale)[..., : query.shape[1] // heads]
    return attended.transpose(2, 3).reshape(query.shape)


def weights(query: Tensor, key: Tensor, heads: int, scale: float) -> Tensor:
    """The weights that :func:`attend` gives the positions: ``softmax(scale * Q K^T)``, for those who look at them.

    Args:
        query: ``[B, C, H, W]``.
        key: ``[B, C, H, W]``.
        heads: as in :func:`attend`.
        scale: of the scores.

    Returns:
        ``[B, heads, H*W, H*W]``: for each position, row by row of the feature map, those of all positions, of sum 1.
    """
    scores = _split(query, heads) @ _split(key, heads).transpose(2, 3)
    return (scale * scores).softmax(3)


def attend_channels(query: Tensor, key: Tensor, value: Tensor, heads: int, scale: float) -> Tensor:
    """``softmax(scale * Q K^T) V`` with a token for each channel, described by its values at all H*W positions.

    With several heads a channel attends to those of its own head, neighbouring ones (the channel groups of Ding et al.
    2022, "DaViT"; Ali et al. 2021, "XCiT").

    Args:
        query: ``[B, C, H, W]``.
        key: ``[B, C, H, W]``.
        value: ``[B, C, H, W]``.
        heads: C is split into this many; must divide C.
        scale: of the scores.

    Returns:
        ``[B, C, H, W]``.
    """
    q, k, v = (x.reshape(len(x), heads, x.shape[1] // heads, -1) for x in (query, key, value))
    return ((scale * q @ k.transpose(2, 3)).softmax(3) @ v).reshape(query.shape)


def scale_of(query: Tensor, heads: int, scaled: bool) -> float:
    """Of the scores of :func:`attend`: 1 over the square root of the channels of a head, or 1."""
    return (query.shape[1] // heads) ** -0.5 if scaled else 1.0


def attend_along(axis: str, query: Tensor, key: Tensor, value: Tensor, heads: int, scaled: bool) -> Tensor:
    """Attention along an axis: ``spatial`` (:func:`attend`), ``channel`` (:func:`attend_channels`), or ``both``, their
    sum (as in Fu et al. 2019, "Dual attention network").

    Args:
        axis: see above.
        query: ``[B, C, H, W]``.
        key: ``[B, C, H, W]``.
        value: ``[B, C, H, W]``.
        heads: must divide C.
        scaled: whether scores are divided by the square root of the length of a query, which is C / heads over
            positions and H*W over channels.

    Returns:
        ``[B, C, H, W]``.
    """
    results = []
    if axis != "channel":
        results.append(attend(query, key, value, heads, scale_of(query, heads, scaled)))
    if axis != "spatial":
        scale = query.shape[2:].numel() ** -0.5 if scaled else 1.0
        results.append(attend_channels(query, key, value, heads, scale))
    return results[0] if len(results) == 1 else results[0] + results[1]


def _ours(query: Tensor, heads: int) -> bool:
    """Whether our operator computes it, where :mod:`cnntention.attention.kernel` has it at hand."""
    worth_it = query.shape[1] <= heads * FEW_CHANNELS or query.shape[2:].numel() >= MANY_POSITIONS
    known = query.device.type == "cpu" and query.dtype in (torch.float32, torch.bfloat16)
    return kernel.in_use().ours and worth_it and known


def _split(x: Tensor, heads: int) -> Tensor:
    """``[B, C, H, W] -> [B, heads, H*W, C//heads]``: each position is a token.

    Contiguous, because scaled_dot_product_attention on the CPU takes its slow path, which stores all H*W x H*W
    weights, for a strided last dimension.
    """
    batch, channels = x.shape[:2]
    return x.reshape(batch, heads, channels // heads, -1).transpose(2, 3).contiguous()


def _pad(tokens: Tensor, multiple: int) -> Tensor:
    """Zeros up to a multiple of channels: they add nothing to Q K^T, and the columns that they add to V are cut off."""
    missing = -tokens.shape[-1] % multiple
    return F.pad(tokens, (0, missing)) if missing else tokens
