"""SE: squeeze-and-excitation, a factor for each channel from the means of all (Hu et al. 2018)."""

from torch import Tensor, nn

from cnntention.attention.registry import register


@register(
    "se",
    reduction={
        "type": "integer",
        "minimum": 1,
        "default": 16,
        "description": "r; channel attention has max(1, channels // r) hidden units",
    },
)
class SqueezeExcitation(nn.Module):
    """``x * sigmoid(W2 relu(W1 mean(x) + b1) + b2)`` with the mean over positions of each channel.

    The MLP is C -> max(1, C // reduction) -> C.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        hidden = max(1, channels // reduction)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.mlp(x.mean((2, 3)))[:, :, None, None]
