"""What CBAM weighs, on gates that are known."""

import numpy as np
import pytest
import torch
from instrument_subjects import CLASSES, subject
from run_specs import CBAM

from cnntention.instruments.cbam_weights import measure
from cnntention.network.specs import Attention


def measured(found) -> dict:
    return {(number.name, number.of["stage"]): number.value for number in found.numbers}


def test_a_block_that_is_a_constant_has_no_spread_between_images():
    """CBAM held at its mean, which is 0.5 before training."""
    found = measured(measure(subject(Attention("cbam-constant", "plain", {"reduction": 16})), shown=2))
    assert {name for name, _ in found} == {
        "channel weight", "between channels", "channels between images",
        "position weight", "between positions", "positions between images",
    }  # fmt: skip
    for (name, _), value in found.items():
        assert value == pytest.approx(0.5 if name.endswith("weight") else 0, abs=1e-6)


def test_spreads_are_those_of_known_gates(monkeypatch):
    """Half of the images have channel weights of 0.2, the others of 0.6; positions count by their row."""
    what = subject(CBAM, images=4)

    def gates(block, x):
        channel = torch.tensor([0.2, 0.2, 0.6, 0.6])[:, None].expand(-1, x.shape[1])
        position = torch.arange(x.shape[2])[:, None].expand(len(x), x.shape[2], x.shape[3]) / x.shape[2]
        return channel, position

    monkeypatch.setattr(type(what.model.attention[0].block), "gates", gates)
    result = measure(what, shown=3)
    found = measured(result)
    assert found["channel weight", 1] == pytest.approx(0.4)
    assert found["channels between images", 1] == pytest.approx(0.2)
    assert found["between channels", 1] == pytest.approx(0)
    assert found["positions between images", 3] == pytest.approx(0)
    assert found["between positions", 3] == pytest.approx(0.25)  # rows of 0 and 0.5
    assert result.arrays["positions_2"].shape == (3, 4, 4)
    by_class = result.arrays["channels_1"]
    assert by_class.shape == (CLASSES, 16)
    labels = what.part.labels.numpy()
    for label in range(CLASSES):
        own = np.array([0.2, 0.2, 0.6, 0.6])[labels == label]
        np.testing.assert_allclose(by_class[label], own.mean() if len(own) else np.nan, rtol=1e-6)
