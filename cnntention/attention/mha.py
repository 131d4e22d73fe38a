"""MHA: multi-head self-attention over the positions of a feature map (paper, section 4.3.3)."""

from torch import Tensor, nn

from cnntention.attention.heads import attend_along, scale_of, weights
from cnntention.attention.positions import positions as positions_of
from cnntention.attention.registry import register
from cnntention.base.errors import CheckpointError


@register(
    "mha",
    heads={
        "type": "integer",
        "minimum": 1,
        "default": 8,
        "divides_channels": True,
        "description": "of attention; must divide the channels of each stage",
    },
    axis={
        "enum": ["spatial", "channel", "both"],
        "default": "spatial",
        "later": True,
        "description": "what attends to what: positions, channels, or both, of which the results are added",
    },
    positions={
        "enum": ["none", "learned", "sinusoidal"],
        "default": "none",
        "later": True,
        "description": "what queries and keys are told of where a position lies",
    },
)
class MultiHeadAttention(nn.Module):
    """``Concat(head_1 .. head_h) W_O`` with ``head_i = softmax(Q_i K_i^T / sqrt(C/h)) V_i`` over the H*W positions.

    Q, K, V and the output projection are 1x1 convolutions C -> C. ``axis`` and ``positions`` are those of
    :class:`cnntention.attention.selfatt.SelfAttention`.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``; ``heads`` must divide C.
    """

    def __init__(self, channels: int, heads: int, axis: str = "spatial", positions: str = "none"):
        super().__init__()
        self.heads = heads
        self.axis = axis
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.output = nn.Conv2d(channels, channels, 1)
        self.positions = positions_of(positions, channels)

    def forward(self, x: Tensor) -> Tensor:
        placed = self.positions(x)
        query, key, value = self.query(placed), self.key(placed), self.value(x)
        return self.output(attend_along(self.axis, query, key, value, self.heads, scaled=True))

    def weights(self, x: Tensor) -> Tensor:
        """``[B, C, H, W] -> [B, heads, H*W, H*W]``, see :func:`cnntention.attention.heads.weights`."""
        if self.axis == "channel":
            raise CheckpointError("attention over channels gives positions no weights; use axis: spatial or both")
        placed = self.positions(x)
        return weights(self.query(placed), self.key(placed), self.heads, scale_of(x, self.heads, True))
