"""Parameters and multiply-adds against sums by hand."""

import pytest
import torch
from torch import nn

from cnntention.network.complexity import multiply_adds, parameters
from cnntention.network.resnet import ResNet
from cnntention.network.specs import Attention

# Convolutions of ResNet-20 at 32x32x3: pixels of the output * inputs * outputs * 9.
STEM = 32 * 32 * 3 * 16 * 9
STAGE_1 = 6 * (32 * 32 * 16 * 16 * 9)
STAGE_2 = 16 * 16 * 16 * 32 * 9 + 5 * (16 * 16 * 32 * 32 * 9)
STAGE_3 = 8 * 8 * 32 * 64 * 9 + 5 * (8 * 8 * 64 * 64 * 9)
HEAD = 64 * 10
BASELINE = STEM + STAGE_1 + STAGE_2 + STAGE_3 + HEAD
# Positions and channels after each stage.
STAGES = [(32 * 32, 16), (16 * 16, 32), (8 * 8, 64)]


def network(block: str | None, in_channels: int = 3, **options) -> ResNet:
    attention = Attention(block, "weighted", options) if block else None
    return ResNet(20, in_channels, 10, attention)


def test_baseline_has_some_forty_million_multiply_adds():
    assert BASELINE == 40_551_040
    assert multiply_adds(network(None), (32, 32, 3)) == BASELINE


def test_one_channel_takes_two_thirds_off_the_stem():
    assert multiply_adds(network(None, in_channels=1), (32, 32, 1)) == BASELINE - STEM * 2 // 3


def test_selfatt_adds_three_projections_and_two_products():
    added = sum(3 * n * c * c + 2 * n * n * c for n, c in STAGES)
    assert multiply_adds(network("selfatt"), (32, 32, 3)) == BASELINE + added


@pytest.mark.parametrize("heads", [1, 8])
def test_mha_adds_four_projections_and_two_products_whatever_the_heads(heads):
    added = sum(4 * n * c * c + 2 * n * n * c for n, c in STAGES)
    assert multiply_adds(network("mha", heads=heads), (32, 32, 3)) == BASELINE + added


def test_cbam_adds_its_mlp_twice_and_its_convolution():
    added = sum(2 * (2 * c * (c // 16)) + n * 2 * 49 for n, c in STAGES)
    assert multiply_adds(network("cbam", reduction=16), (32, 32, 3)) == BASELINE + added


def test_height_and_width_are_not_exchanged():
    """A kernel of 3x1 without padding leaves 2 of 4 rows and all 6 columns."""
    assert multiply_adds(nn.Conv2d(2, 5, (3, 1)), (4, 6, 2)) == 2 * 6 * 2 * 5 * 3


def test_counting_leaves_the_model_as_it_was():
    model = network("selfatt").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    multiply_adds(model, (32, 32, 3))
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_frozen_parameters_are_not_counted():
    model = nn.Linear(5, 3)
    model.bias.requires_grad_(False)
    assert parameters(model) == 15
