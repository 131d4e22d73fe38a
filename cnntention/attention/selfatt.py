"""SelfAtt: single-head self-attention over the positions of a feature map (paper, section 4.3.2, eq. 1)."""

from torch import Tensor, nn

from cnntention.attention.heads import attend, weights
from cnntention.attention.registry import register


@register("selfatt")
class SelfAttention(nn.Module):
    """``softmax(Q K^T) V`` over the H*W positions; Q, K, V are 1x1 convolutions C -> C.

    Not scaled by 1/sqrt(C), and without an output projection, as in the paper.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return attend(self.query(x), self.key(x), self.value(x), heads=1, scale=1.0)

    def weights(self, x: Tensor) -> Tensor:
        """``[B, C, H, W] -> [B, 1, H*W, H*W]``, see :func:`cnntention.attention.heads.weights`."""
        return weights(self.query(x), self.key(x), heads=1, scale=1.0)
