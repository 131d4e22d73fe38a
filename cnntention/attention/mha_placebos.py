"""Placebos of MHA, see :mod:`cnntention.attention.placebo`."""

import torch
from torch import Tensor

from cnntention.attention.heads import attend, weights
from cnntention.attention.mha import MultiHeadAttention
from cnntention.attention.placebo import equal_weights, fixed, mean_value
from cnntention.attention.registry import register


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
        return self.output(mean_value(self.value(x)))

    def weights(self, x: Tensor) -> Tensor:
        return equal_weights(x, self.heads)


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
        self._fixed = torch.compiler.disable(fixed)

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)
        scale = (value.shape[1] // self.heads) ** -0.5
        return self.output(attend(self._fixed(0, value), self._fixed(1, value), value, self.heads, scale))

    def weights(self, x: Tensor) -> Tensor:
        return weights(self._fixed(0, x), self._fixed(1, x), self.heads, (x.shape[1] // self.heads) ** -0.5)
