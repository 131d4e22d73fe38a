"""What is read from a built network, against what it is."""

import pytest
import torch
from torch import nn

from cnntention.network.complexity import parameters
from cnntention.network.operations import Operation, operations
from cnntention.network.outline import outline
from cnntention.network.resnet import ResNet
from cnntention.network.specs import Attention

SELFATT = Attention("selfatt", "weighted", {})
CIFAR10 = (32, 32, 3)


def resnet(attention: Attention | None = None) -> ResNet:
    return ResNet(20, 3, 10, attention).eval()


@pytest.mark.parametrize(
    "attention",
    [None, SELFATT, Attention("cbam", "plain", {"reduction": 16}), Attention("selfatt", "plain", {}, "block", (2,))],
)
def test_parts_have_all_parameters_between_them(attention):
    model = resnet(attention)
    assert sum(part.parameters for part in outline(model, CIFAR10)) == parameters(model)


def test_shapes_are_those_of_the_paper():
    """Section 4.1: 16, 32 and 64 channels on 32x32, 16x16 and 8x8 pixels."""
    parts = {part.name: part for part in outline(resnet(SELFATT), CIFAR10)}
    assert [parts[f"stage {number}\n3 blocks"].shape for number in (1, 2, 3)] == [
        (16, 32, 32),
        (32, 16, 16),
        (64, 8, 8),
    ]
    assert [part.name for part in outline(resnet(SELFATT), CIFAR10) if part.attention] == ["attention"] * 3
    assert parts["linear"].shape == (10,)
    assert not any(part.attention for part in outline(resnet(), CIFAR10))


def test_operations_of_self_attention_are_those_of_its_equations():
    (connection, *_) = resnet(SELFATT).attention
    shape = (16, 32, 32)
    assert operations(connection, shape) == [
        Operation("input", shape, 0, ()),
        *(Operation(f"{name}\n1×1 convolution", shape, 16 * 17, (0,)) for name in ("query", "key", "value")),
        Operation("softmax(Q Kᵀ) V", (1, 1024, 16), 0, (1, 2, 3)),
        Operation("× gate", shape, 1, (4,)),
        Operation("+", shape, 0, (0, 5)),
    ]


def test_shared_weights_count_once():
    """CBAM's two poolings go through one MLP."""
    (connection, *_) = resnet(Attention("cbam", "plain", {"reduction": 16})).attention
    found = operations(connection, (16, 32, 32))
    assert sum(each.parameters for each in found) == parameters(connection)
    assert [each.name for each in found].count("channel.mlp.0\nlinear 16 → 1") == 2


def test_what_cannot_be_traced_is_one_operation():
    class Moody(nn.Module):
        def forward(self, x):
            return x if x.sum().item() > torch.rand(()).item() else -x

    assert operations(Moody(), (2, 3, 3)) == [
        Operation("input", (2, 3, 3), 0, ()),
        Operation("Moody", (2, 3, 3), 0, (0,)),
    ]
