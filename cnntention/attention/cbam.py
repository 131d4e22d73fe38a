"""CBAM: channel attention, then spatial attention (Woo et al. 2018; paper, section 4.3.4)."""

import torch
from torch import Tensor, nn

from cnntention.attention.registry import register


class ChannelAttention(nn.Module):
    """``x * sigmoid(MLP(avg) + MLP(max))`` with the average and maximum over positions of each channel.

    The MLP is C -> max(1, C // reduction) -> C without biases. The paper's CBAM-32 has 16 // 32 = 0 hidden units in
    stage 1, which makes its channel attention the constant 0.5 there; one hidden unit keeps it an attention.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        hidden = max(1, channels // reduction)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False)
        )

    def gate(self, x: Tensor) -> Tensor:
        """The factor of each channel, ``[B, C]``."""
        # On the CPU faster, above all backward, than mean and amax over the two dimensions of a channels-last image.
        positions = x.permute(0, 2, 3, 1).flatten(1, 2)
        average, maximum = positions.sum(1) / positions.shape[1], positions.max(1).values
        return (self.mlp(average) + self.mlp(maximum)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)[:, :, None, None]


class SpatialAttention(nn.Module):
    """``x * sigmoid(conv7x7([max; mean]))`` with the maximum and mean over channels at each position.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def gate(self, rows: Tensor, shape: torch.Size) -> Tensor:
        """The factor of each position, ``[B, 1, H, W]``, from a row ``[C]`` a pixel, and the shape ``[B, H, W]``."""
        # One row for each pixel, the pooled image channels-last: several times faster on the CPU, above all backward.
        pooled = torch.stack([rows.max(1).values, rows.mean(1)], dim=1).view(*shape, 2)
        return self.conv(pooled.permute(0, 3, 1, 2)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        rows = pixels.flatten(0, 2)
        return (rows * self.gate(rows, pixels.shape[:3]).view(-1, 1)).view_as(pixels).permute(0, 3, 1, 2)


@register(
    "cbam",
    reduction={
        "type": "integer",
        "minimum": 1,
        "default": 16,
        "description": "r; channel attention has max(1, channels // r) hidden units",
    },
)
class CBAM(nn.Module):
    """Channel attention followed by spatial attention, both multiplying the feature map.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        self.channel = ChannelAttention(channels, reduction)
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        return self.spatial(self.channel(x))

    def gates(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What each channel and then each position of ``[B, C, H, W]`` is multiplied by: ``[B, C]``, ``[B, H, W]``."""
        channel = self.channel.gate(x)
        pixels = (x * channel[:, :, None, None]).permute(0, 2, 3, 1)
        return channel, self.spatial.gate(pixels.flatten(0, 2), pixels.shape[:3])[:, 0]
