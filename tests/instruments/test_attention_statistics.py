"""Entropy, distance and locality of attention weights against closed forms and scipy."""

import copy
import dataclasses
import math

import pytest
import torch
from instrument_subjects import subject
from run_specs import CBAM, MHA, SELFATT
from scipy.spatial import distance
from scipy.stats import entropy

from cnntention.base.errors import CheckpointError
from cnntention.instruments.attention_statistics import Rulers, measure
from cnntention.network.specs import Attention


def measured(what) -> dict:
    """The numbers by name, stage and head."""
    return {(number.name, number.of["stage"], number.of["head"]): number for number in measure(what).numbers}


def test_weights_on_the_own_position_have_no_entropy_and_reach_nowhere():
    found = Rulers(4, 5, 2.0, 2.0)(torch.eye(20).expand(3, 2, 20, 20))
    assert found.shape == (3, 2, 4)
    torch.testing.assert_close(found[1, 1], torch.tensor([0.0, 0.0, 1.0, 1.0]))


def test_equal_weights_have_the_entropy_and_the_reach_of_the_uniform_distribution():
    """Of 4x4 positions 4 have 4 positions within one step of them, 8 have 6 and 4 have 9."""
    points = [(4 * row, 8 * column) for row in range(4) for column in range(4)]
    expected = [math.log(16), distance.cdist(points, points).mean(), 1 / 16, (4 * 4 + 8 * 6 + 4 * 9) / 16**2]
    torch.testing.assert_close(Rulers(4, 4, 4.0, 8.0).of_equal_weights(), torch.tensor(expected, dtype=torch.float32))


def test_entropy_and_distance_of_any_weights_are_those_of_scipy():
    torch.manual_seed(1)
    weights = (3 * torch.randn(2, 3, 12, 12)).softmax(3)
    points = [(row, column) for row in range(3) for column in range(4)]
    apart = torch.from_numpy(distance.cdist(points, points)).float()
    found = Rulers(3, 4, 1.0, 1.0)(weights)
    torch.testing.assert_close(
        found[..., 0], torch.from_numpy(entropy(weights.numpy(), axis=3)).mean(2), check_dtype=False
    )
    torch.testing.assert_close(found[..., 1], (weights * apart).sum(3).mean(2))


@pytest.mark.parametrize("block", ["selfatt-uniform", "mha-uniform"])
def test_a_network_that_ignores_its_attention_is_told_by_it(block):
    options = {"heads": 8} if block.startswith("mha") else {}
    found = measured(subject(Attention(block, "weighted", options)))
    for (name, stage, head), number in found.items():
        if name == "entropy":
            assert number.value == pytest.approx(100, abs=1e-3)
        elif "equal weights" not in name:
            assert number.value == pytest.approx(found[f"{name}, equal weights", stage, head].value, rel=1e-4)
            assert number.spread == pytest.approx(0, abs=1e-3)


def test_each_stage_is_measured_in_pixels_of_the_input():
    """The stages have 8x8, 4x4 and 2x2 positions: in the last one, 4 pixels apart."""
    found = measured(subject(SELFATT))
    diagonal = 4 * math.sqrt(2)
    assert found["distance, equal weights", 3, "1"].value == pytest.approx((0 + 4 + 4 + diagonal) / 4)
    assert found["own position, equal weights", 1, "1"].value == pytest.approx(100 / 64)
    assert 0 < found["entropy", 1, "1"].value < 100


def test_heads_stand_beside_their_mean():
    found = measured(subject(MHA))
    heads = [found["distance", 2, str(head)].value for head in range(1, 9)]
    assert len(set(heads)) == 8
    assert found["distance", 2, "all"].value == pytest.approx(sum(heads) / 8)


def only_path(model, place):
    """The network with one of its parallel paths in place of all."""
    model = copy.deepcopy(model)
    for connection in model.attention:
        connection.block = connection.block.paths[place]
    return model


def test_blocks_of_a_stage_with_other_numbers_of_heads_have_their_mean_alone():
    paths = [{"block": "mha", "options": {"heads": 8}}, {"block": "selfatt-uniform", "options": {}}]
    what = subject(Attention("parallel", "plain", {"paths": paths, "join": "sum"}))
    found = measured(what)
    assert {head for _, _, head in found} == {"all"}
    mha = measured(dataclasses.replace(what, model=only_path(what.model, 0)))
    entropy_of_mha = mha["entropy", 1, "all"].value
    assert found["entropy", 1, "all"].value == pytest.approx((entropy_of_mha + 100) / 2, rel=1e-5)


def test_a_block_without_weights_is_refused_by_name():
    with pytest.raises(CheckpointError, match=r"separable/tiny/full/seed10: has no attention block with .* weights"):
        measure(subject(CBAM))
