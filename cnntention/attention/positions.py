"""Where a position lies, for attention over positions, which by itself does not know."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRID = 8
"""Learned values a side; those between are interpolated. On CIFAR-10 stage 3 has 8x8 positions."""


class Nowhere(nn.Module):
    """The feature map as it is (the paper's attention).

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x


class Learned(nn.Module):
    """``x + P`` with ``P`` interpolated from C x 8 x 8 learned values, which start at 0.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.grid = nn.Parameter(torch.zeros(channels, GRID, GRID))

    def forward(self, x: Tensor) -> Tensor:
        # Two products, which are deterministic on CUDA, where the gradient of torch's bilinear interpolation is not.
        rows, columns = (_between(size, x) for size in x.shape[2:])
        return x + rows.T @ self.grid.to(x.dtype) @ columns


def _between(size: int, like: Tensor) -> Tensor:
    """The matrix ``[GRID, size]`` of linear interpolation."""
    identity = torch.eye(GRID, device=like.device)
    return F.interpolate(identity[None], size=size, mode="linear")[0].to(like.dtype)


class Sinusoidal(nn.Module):
    """``x + P`` with sines and cosines of the row in one half of the channels, and of the column in the other.

    Where the channels are no multiple of 4 the row has up to two more, and of one or two channels all.

    Wavelengths rise from 2 pi to 10,000 * 2 pi positions, as in Vaswani et al. (2017, section 3.5).

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        count = math.ceil(self.channels / 4)
        rates = 10_000 ** (-torch.arange(count, device=x.device) / count)
        rows, columns = (_waves(torch.arange(size, device=x.device), rates) for size in x.shape[2:])
        height, width = x.shape[2:]
        both = (rows[:, :, None].expand(-1, -1, width), columns[:, None, :].expand(-1, height, -1))
        return x + torch.cat(both)[: self.channels].to(x.dtype)


def _waves(at: Tensor, rates: Tensor) -> Tensor:
    """Sines, then cosines: ``[2 * rates, positions]``."""
    angles = rates[:, None] * at
    return torch.cat([angles.sin(), angles.cos()])


def positions(kind: str, channels: int) -> nn.Module:
    """``none``, ``learned`` or ``sinusoidal``."""
    return {"none": lambda _: Nowhere(), "learned": Learned, "sinusoidal": Sinusoidal}[kind](channels)
