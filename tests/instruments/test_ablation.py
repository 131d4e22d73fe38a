"""What is left out of attention, against networks that never had it."""

import copy

import pytest
import torch
from instrument_subjects import subject
from run_specs import CBAM, MHA, SELFATT
from torch import nn

from cnntention.instruments.ablation import measure
from cnntention.network.specs import Attention


def measured(what, heads: bool = True) -> dict:
    """Accuracy and change by what is left out."""
    found: dict = {}
    for number in measure(what, heads).numbers:
        found.setdefault(number.of["left out"], {})[number.name] = number
    return found


def accuracy(model: nn.Module, what) -> float:
    with torch.no_grad():
        answers = model(what.normalize(what.part.images)).argmax(1)
    return 100 * (answers == what.part.labels).double().mean().item()


def test_every_block_every_pair_and_every_head_is_left_out_in_turn():
    stages = ["stage 1", "stage 2", "stage 3"]
    blocks = ["nothing", "all", *stages, *(f"all but {stage}" for stage in stages)]
    assert list(measured(subject(CBAM))) == blocks
    assert list(measured(subject(MHA), heads=False)) == blocks
    heads = [f"{stage}, head {head}" for stage in stages for head in range(1, 9)]
    assert list(measured(subject(MHA))) == blocks + heads


def test_heads_of_several_blocks_in_a_stage_are_told_apart():
    """Else they would pass for the same measurement of several seeds."""
    what = subject(Attention("mha", "weighted", {"heads": 2}, "block"), depth=14)
    heads = [f"stage {s}, block {b}, head {h}" for s in (1, 2, 3) for b in (1, 2) for h in (1, 2)]
    assert list(measured(what))[-12:] == heads


def test_without_any_block_the_network_is_its_trunk():
    what = subject(SELFATT, images=60)
    trunk = copy.deepcopy(what.model)
    trunk.attention = nn.ModuleList(nn.Identity() for _ in trunk.attention)
    found = measured(what)
    assert found["all"]["accuracy"].value == pytest.approx(accuracy(trunk, what))
    assert found["nothing"]["accuracy"].value == pytest.approx(accuracy(what.model, what))
    change = accuracy(trunk, what) - accuracy(what.model, what)
    assert found["all"]["change"].value == pytest.approx(change)
    assert change != 0  # else this would show nothing


def test_one_block_alone_is_the_network_whose_other_gates_are_closed():
    what = subject(SELFATT, images=60)
    closed = copy.deepcopy(what.model)
    for stage in (0, 2):
        nn.init.zeros_(closed.attention[stage].gate)
    assert measured(what)["all but stage 2"]["accuracy"].value == pytest.approx(accuracy(closed, what))


def test_a_head_that_is_left_out_has_no_values():
    what = subject(MHA, images=60)
    silent = copy.deepcopy(what.model)
    with torch.no_grad():
        for parameter in silent.attention[1].block.value.parameters():
            parameter[4:8] = 0  # the second of eight heads of 32 channels
    found = measured(what)
    assert found["stage 2, head 2"]["accuracy"].value == pytest.approx(accuracy(silent, what))
    assert found["nothing"]["accuracy"].value == pytest.approx(accuracy(what.model, what))  # as it was before


def test_attention_whose_gates_are_closed_can_be_left_out_for_nothing():
    what = subject(MHA, images=20)
    for connection in what.model.attention:
        nn.init.zeros_(connection.gate)
    changes = [of["change"] for name, of in measured(what).items() if name != "nothing"]
    assert {(number.value, number.low, number.high) for number in changes} == {(0.0, 0.0, 0.0)}
