"""Parallel paths: several blocks on one input, and one result of them (the paper's outlook)."""

import torch
from torch import Tensor, nn

from cnntention.attention.registry import create, register


@register(
    "parallel",
    paths={
        "type": "array",
        "minItems": 1,
        "maxItems": 8,
        "blocks": True,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["block"],
            "properties": {
                "block": {"type": "string", "description": "as in attention itself"},
                "options": {"type": "object", "default": {}, "description": "of that block"},
            },
        },
        "default": [{"block": "mha", "options": {"heads": 8}}, {"block": "cbam", "options": {"reduction": 16}}],
        "description": "the blocks, each with its options",
    },
    join={
        "enum": ["concatenate", "sum"],
        "default": "concatenate",
        "description": "concatenate: and project back to the channels by a 1x1 convolution; sum: with learned weights",
    },
)
class Parallel(nn.Module):
    """``conv1x1([F_1(x); ..; F_n(x)])``, or ``w_1 F_1(x) + .. + w_n F_n(x)`` where each w starts at 1/n.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    def __init__(self, channels: int, paths: list[dict], join: str):
        super().__init__()
        self.paths = nn.ModuleList(create(path["block"], channels, **path["options"]) for path in paths)
        if join == "concatenate":
            self.project = nn.Conv2d(len(paths) * channels, channels, 1)
        else:
            self.weights = nn.Parameter(torch.full((len(paths),), 1 / len(paths)))
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        results = [path(x) for path in self.paths]
        if self.join == "concatenate":
            return self.project(torch.cat(results, dim=1))
        first, *others = (weight * result for weight, result in zip(self.weights, results, strict=True))
        return sum(others, first)
