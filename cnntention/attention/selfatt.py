"""SelfAtt: single-head self-attention over the positions of a feature map (paper, section 4.3.2, eq. 1)."""

from torch import Tensor, nn

from cnntention.attention.heads import attend_along, scale_of, weights
from cnntention.attention.positions import positions as positions_of
from cnntention.attention.registry import register
from cnntention.base.errors import CheckpointError


@register(
    "selfatt",
    scale={
        "type": "boolean",
        "default": False,
        "later": True,
        "description": "true: scores are divided by sqrt(d), d the length of a query, which the paper leaves out",
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
class SelfAttention(nn.Module):
    """``softmax(Q K^T) V`` over the H*W positions; Q, K, V are 1x1 convolutions C -> C.

    Not scaled by 1/sqrt(C), without an output projection, over positions alone, and not told where these lie, as in the
    paper; for the other values of ``axis`` and ``scale`` see :func:`cnntention.attention.heads.attend_along`. Positions
    are added to what queries and keys are made from, not to the values (as in Carion et al. 2020, "DETR").

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, scale: bool = False, axis: str = "spatial", positions: str = "none"):
        super().__init__()
        self.scale = scale
        self.axis = axis
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.positions = positions_of(positions, channels)

    def forward(self, x: Tensor) -> Tensor:
        placed = self.positions(x)
        return attend_along(self.axis, self.query(placed), self.key(placed), self.value(x), 1, self.scale)

    def weights(self, x: Tensor) -> Tensor:
        """``[B, C, H, W] -> [B, 1, H*W, H*W]``, see :func:`cnntention.attention.heads.weights`."""
        if self.axis == "channel":
            raise CheckpointError("attention over channels gives positions no weights; use axis: spatial or both")
        placed = self.positions(x)
        return weights(self.query(placed), self.key(placed), 1, scale_of(x, 1, self.scale))
