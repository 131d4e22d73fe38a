"""Placebos: blocks with all that an attention block has, except that nothing is attended to.

A model that gains as much from a placebo as from attention gains from its parameters and its path, not from attention.
Parameters have the names, shapes and initial values of the block that a placebo stands for.
"""

import functools

import torch
from torch import Tensor, nn

from cnntention.attention.cbam import CBAM, ChannelAttention, SpatialAttention
from cnntention.attention.heads import attend, weights
from cnntention.attention.mha import MultiHeadAttention
from cnntention.attention.registry import register
from cnntention.attention.selfatt import SelfAttention


def _mean_value(value: Tensor) -> Tensor:
    """What softmax attention with equal weights gives at every position: the mean over them."""
    return value.mean((2, 3), keepdim=True).expand_as(value)


def _equal_weights(x: Tensor, heads: int) -> Tensor:
    """``[B, heads, H*W, H*W]``, all of them 1/(H*W)."""
    positions = x.shape[2:].numel()
    return x.new_full((), 1 / positions).expand(len(x), heads, positions, positions)


@register("selfatt-uniform")
class UniformSelfAttention(SelfAttention):
    """SelfAtt whose weights are 1/(H*W) everywhere. Query and key exist but are never used.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _mean_value(self.value(x))

    def weights(self, x: Tensor) -> Tensor:
        return _equal_weights(x, 1)


@register(
    "mha-uniform",
    heads={
        "type": "integer",
        "minimum": 1,
        "default": 8,
        "divides_channels": True,
        "description": "of attention; must divide the channels of each stage",
    },
)
class UniformMultiHeadAttention(MultiHeadAttention):
    """MHA whose weights are 1/(H*W) everywhere, in each head. Query and key exist but are never used.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def forward(self, x: Tensor) -> Tensor:
        return self.output(_mean_value(self.value(x)))

    def weights(self, x: Tensor) -> Tensor:
        return _equal_weights(x, self.heads)


def _fixed(which: int, x: Tensor) -> Tensor:
    """Standard normal numbers in the shape of one image of x, always the same ones for a shape."""
    return _drawn(which, tuple(x.shape[1:])).to(x).expand_as(x)


@functools.lru_cache(maxsize=16)
def _drawn(which: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(which))


@register("selfatt-random")
class RandomSelfAttention(SelfAttention):
    """SelfAtt whose weights are those of fixed random queries and keys, the same for every image.

    Scores are standard normal, as scaling by 1/sqrt(C) makes them. Query and key exist but are never used.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int):
        super().__init__(channels)
        # Here and not as a decorator: it imports torch.compile, which no other placebo needs.
        self._fixed = torch.compiler.disable(_fixed)

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)
        return attend(self._fixed(0, value), self._fixed(1, value), value, heads=1, scale=value.shape[1] ** -0.5)

    def weights(self, x: Tensor) -> Tensor:
        return weights(self._fixed(0, x), self._fixed(1, x), heads=1, scale=x.shape[1] ** -0.5)


@register(
    "mha-random",
    heads={
        "type": "integer",
        "minimum": 1,
        "default": 8,
        "divides_channels": True,
        "description": "of attention; must divide the channels of each stage",
    },
)
class RandomMultiHeadAttention(MultiHeadAttention):
    """MHA whose weights are those of fixed random queries and keys, other ones in each head.

    Query and key exist but are never used.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, heads: int):
        super().__init__(channels, heads)
        self._fixed = torch.compiler.disable(_fixed)

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)
        scale = (value.shape[1] // self.heads) ** -0.5
        return self.output(attend(self._fixed(0, value), self._fixed(1, value), value, self.heads, scale))

    def weights(self, x: Tensor) -> Tensor:
        return weights(self._fixed(0, x), self._fixed(1, x), self.heads, (x.shape[1] // self.heads) ** -0.5)


class _HeldAtMean(nn.Module):
    """One number for all of a gate: its mean over the batch, and over the batches so far in evaluation mode.

    The mean over batches moves by a tenth with each, as that of batch norm does.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((), 0.5))

    def forward(self, gate: Tensor) -> Tensor:
        if not self.training:
            return self.mean.to(gate).expand_as(gate)
        mean = gate.mean()
        self.mean.lerp_(mean.detach().to(self.mean), 0.1)
        return mean.expand_as(gate)


class _ConstantChannelAttention(ChannelAttention):
    def __init__(self, channels: int, reduction: int):
        super().__init__(channels, reduction)
        self.held = _HeldAtMean()

    def gate(self, x: Tensor) -> Tensor:
        return self.held(super().gate(x))


class _ConstantSpatialAttention(SpatialAttention):
    def __init__(self) -> None:
        super().__init__()
        self.held = _HeldAtMean()

    def gate(self, rows: Tensor, shape: torch.Size) -> Tensor:
        return self.held(super().gate(rows, shape))


@register(
    "cbam-constant",
    reduction={
        "type": "integer",
        "minimum": 1,
        "default": 16,
        "description": "r; channel attention has max(1, channels // r) hidden units",
    },
)
class ConstantCBAM(CBAM):
    """CBAM whose gates are held at their mean: no channel and no position counts for more than another.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, reduction: int):
        nn.Module.__init__(self)
        self.channel = _ConstantChannelAttention(channels, reduction)
        self.spatial = _ConstantSpatialAttention()
