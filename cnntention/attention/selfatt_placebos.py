"""Placebos of SelfAtt, see :mod:`cnntention.attention.placebo`."""

import torch
from torch import Tensor

from cnntention.attention.heads import attend, weights
from cnntention.attention.placebo import equal_weights, fixed, mean_value
from cnntention.attention.registry import register
from cnntention.attention.selfatt import SelfAttention


@register("selfatt-uniform")
class UniformSelfAttention(SelfAttention):
    """SelfAtt whose weights are 1/(H*W) everywhere. Query and key exist but are never used.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def forward(self, x: Tensor) -> Tensor:
        return mean_value(self.value(x))

    def weights(self, x: Tensor) -> Tensor:
        return equal_weights(x, 1)


@register("selfatt-random")
class RandomSelfAttention(SelfAttention):
    """SelfAtt whose weights are those of fixed random queries and keys, the same for every image.

    Scores are standard normal, as scaling by 1/sqrt(C) makes them. Query and key exist but are never used.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int):
        super().__init__(channels)
        # Here and not as a decorator: it imports torch.compile, which no other placebo needs.
        self._fixed = torch.compiler.disable(fixed)

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)
        return attend(self._fixed(0, value), self._fixed(1, value), value, heads=1, scale=value.shape[1] ** -0.5)

    def weights(self, x: Tensor) -> Tensor:
        return weights(self._fixed(0, x), self._fixed(1, x), heads=1, scale=x.shape[1] ** -0.5)
