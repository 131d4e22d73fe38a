"""How an attention block joins the trunk (paper, section 5.1, eqs. 2 and 3).

The feature map comes first in the sums, so that the result takes its memory layout: with another layout, the next
convolution would choose another kernel, which rounds differently.
"""

import torch
from torch import Tensor, nn


class Connection(nn.Module):
    """What a stage of the trunk goes through: the attention block, and how its result joins the feature map."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block


class NoResidual(Connection):
    """``F(x)``: the block's result in place of the feature map."""

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class PlainResidual(Connection):
    """``F(x) + x`` (eq. 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


class WeightedResidual(Connection):
    """``w F(x) + x`` with one learned scalar w, the gate, which starts at 0 (eq. 3)."""

    def __init__(self, block: nn.Module):
        super().__init__(block)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate * self.block(x)


RESIDUALS: dict[str, type[Connection]] = {"none": NoResidual, "plain": PlainResidual, "weighted": WeightedResidual}
