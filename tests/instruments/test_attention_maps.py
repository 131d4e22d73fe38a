"""Where chosen positions look, on weights that are known."""

import math

import numpy as np
import pytest
import torch
from instrument_subjects import subject
from run_specs import MHA, SELFATT

from cnntention.base.errors import CheckpointError
from cnntention.instruments.attention_maps import measure
from cnntention.network.specs import Attention


def look_at_the_corner(block, x):
    """Weights of a block all of whose positions look at the lower right one."""
    positions = x.shape[2:].numel()
    weights = x.new_zeros(len(x), 1, positions, positions)
    weights[..., -1] = 1
    return weights


def test_maps_are_of_the_positions_that_look(monkeypatch):
    what = subject(SELFATT)
    monkeypatch.setattr(type(what.model.attention[1].block), "weights", look_at_the_corner)
    found = measure(what, stage=2, positions=[[0.5, 0.0], [1.0, 1.0]])
    expected = np.zeros((6, 2, 1, 4, 4))
    expected[..., 3, 3] = 1
    np.testing.assert_array_equal(found.arrays["weights"], expected)
    assert found.arrays["places"].tolist() == [[2, 0], [3, 3]]
    largest, distance = found.numbers
    assert (largest.value, largest.of) == (100.0, {"head": 1})
    assert distance.value == pytest.approx(2 * math.hypot(1, 3) / 2)  # 2 pixels a position; the other looks at itself


def test_equal_weights_have_no_largest_one_and_the_distance_is_the_mean_one():
    """Of 4x4 positions, 2 pixels apart, seen from the upper left one."""
    (largest, distance) = measure(subject(Attention("selfatt-uniform", "plain", {})), 2, [[0.0, 0.0]]).numbers
    assert largest.value == pytest.approx(100 / 16)
    assert distance.value == pytest.approx(
        np.mean([2 * math.hypot(down, right) for down in range(4) for right in range(4)])
    )


def test_every_head_has_its_map():
    what = subject(MHA, images=2)
    found = measure(what, stage=3, positions=[[0.9, 0.1]])
    assert found.arrays["weights"].shape == (2, 1, 8, 2, 2)
    assert len({number.of["head"] for number in found.numbers}) == 8
    np.testing.assert_allclose(found.arrays["weights"].sum((3, 4)), 1, atol=2e-3)
    assert torch.equal(torch.from_numpy(found.arrays["images"]), what.part.images)


def test_a_stage_without_attention_is_refused():
    only_last = Attention("selfatt", "weighted", {}, stages=(3,))
    with pytest.raises(CheckpointError, match="no attention in stage 1; choose another stage"):
        measure(subject(only_last), stage=1, positions=[[0, 0]])
