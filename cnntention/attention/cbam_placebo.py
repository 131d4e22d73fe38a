"""The placebo of CBAM, see :mod:`cnntention.attention.placebo`."""

import torch
from torch import Tensor, nn

from cnntention.attention.cbam import CBAM, ChannelAttention, SpatialAttention
from cnntention.attention.registry import register


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
