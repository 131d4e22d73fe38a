"""ECA: a factor for each channel from its mean and those of its neighbours (Wang et al. 2020)."""

import math

from torch import Tensor, nn

from cnntention.attention.registry import register


def kernel_size(channels: int) -> int:
    """The odd number next to ``(log2(C) + 1) / 2`` from above, that is with gamma 2 and b 1 (section 3.3, eq. 12)."""
    size = int(abs((math.log2(channels) + 1) / 2))
    return size if size % 2 else size + 1


@register("eca")
class EfficientChannelAttention(nn.Module):
    """``x * sigmoid(conv(mean(x)))`` with the mean over positions of each channel and a convolution along channels.

    The convolution has one filter without a bias, of :func:`kernel_size` weights.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int):
        super().__init__()
        size = kernel_size(channels)
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3))[:, None]
        return x * self.conv(means).sigmoid()[:, 0, :, None, None]
