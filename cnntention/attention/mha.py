"""MHA: multi-head self-attention over the positions of a feature map (paper, section 4.3.3)."""

from torch import Tensor, nn

from cnntention.attention.heads import attend, weights
from cnntention.attention.registry import register


@register(
    "mha",
    heads={
        "type": "integer",
        "minimum": 1,
        "default": 8,
        "divides_channels": True,
        "description": "of attention; must divide the channels of each stage",
    },
)
class MultiHeadAttention(nn.Module):
    """``Concat(head_1 .. head_h) W_O`` with ``head_i = softmax(Q_i K_i^T / sqrt(C/h)) V_i`` over the H*W positions.

    Q, K, V and the output projection are 1x1 convolutions C -> C.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``; ``heads`` must divide C.
    """

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.output = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = (x.shape[1] // self.heads) ** -0.5
        return self.output(attend(self.query(x), self.key(x), self.value(x), self.heads, scale))

    def weights(self, x: Tensor) -> Tensor:
        """``[B, C, H, W] -> [B, heads, H*W, H*W]``, see :func:`cnntention.attention.heads.weights`."""
        return weights(self.query(x), self.key(x), self.heads, (x.shape[1] // self.heads) ** -0.5)
