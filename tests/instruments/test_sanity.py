"""Maps of networks that lose what they have learned, part by part, and where maps lie."""

import copy
import math

import numpy as np
import pytest
import torch
from instrument_subjects import subject
from run_specs import CBAM, SELFATT
from torch import nn

from cnntention.instruments import agreement, sanity


def correlations(what) -> dict:
    return {each.of["network"]: each.value for each in sanity.measure(what).numbers if each.name == "rank correlation"}


def test_a_network_that_has_learned_nothing_keeps_its_maps(monkeypatch):
    """Its weights are those that it is given instead."""
    monkeypatch.setattr(sanity, "SEED", 0)  # that of the subject
    found = correlations(subject(None, images=5))
    del found[sanity.OTHER_IMAGE]
    assert list(found) == [
        "as trained", "untrained classifier", "… to stage 3", "… to stage 2", "… to stage 1", "all untrained",
    ]  # fmt: skip
    assert set(found.values()) == {found["as trained"]}
    assert found["as trained"] > 0


def test_weights_are_lost_from_the_classifier_down_and_the_subject_keeps_its_own():
    what = subject(CBAM)
    before = copy.deepcopy(what.model.state_dict())
    kept = {
        name: {key.split(".")[0] + key.split(".")[1] if "." in key else key
               for key, own in before.items() if own.ndim > 1 and torch.equal(own, network.state_dict()[key])}
        for name, network in sanity.networks(what)
    }  # fmt: skip
    parts = ["convweight", "stages0", "attention0", "stages1", "attention1", "stages2", "attention2", "fcweight"]
    assert [sorted(kept[name]) for name in kept] == [
        sorted(parts[:count]) for count in (7, 5, 3, 1, 0, 8)
    ]  # the last has no attention, and all its weights
    assert all(torch.equal(own, before[key]) for key, own in what.model.state_dict().items())


def test_attention_behind_closed_gates_is_bypassed_for_nothing():
    what = subject(SELFATT, images=4)
    for connection in what.model.attention:
        nn.init.zeros_(connection.gate)
    found = correlations(what)
    assert found["attention bypassed"] == pytest.approx(found["as trained"], abs=1e-6)
    assert abs(found["all untrained"]) < 0.9


def test_energy_is_measured_from_the_centre_of_the_image():
    distance = sanity.from_centre(4, 4)
    corner, even, nothing = np.zeros((3, 4, 4))
    corner[0, 3], even[:] = 1, 1
    (mean,) = [
        each for each in sanity._numbers("x", np.stack([corner, nothing]), np.zeros(2), distance) if each.unit == "px"
    ]
    assert mean.value == pytest.approx(math.hypot(1.5, 1.5))
    assert sanity.rings(np.stack([corner, nothing]), distance)["energy"].tolist() == [0] * 7 + [1]
    of_even = sanity.rings(even[None], distance)
    np.testing.assert_allclose(of_even["energy"], of_even["area"])
    assert of_even["area"].sum() == pytest.approx(1)


def test_what_agrees_with_other_networks_is_the_map_of_the_label():
    what = subject(CBAM)
    found = agreement.measure(what)
    assert found.arrays["maps"].shape == (6, 8, 8)
    assert {each.of["beside"] for each in found.numbers} == {"another image"}
