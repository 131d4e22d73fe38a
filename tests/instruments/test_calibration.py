"""Calibration against torchmetrics, scikit-learn and closed forms."""

import math

import numpy as np
import pytest
import torch
from instrument_subjects import subject
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from cnntention.base.errors import DataError
from cnntention.instruments.calibration import TEMPERATURES, expected_error, measure, reliability, temperature


def measured(what, bins: int = 15) -> tuple[dict, dict]:
    found = measure(what, bins)
    return {(number.name, number.of["probabilities"]): number for number in found.numbers}, found.arrays


def test_the_temperature_is_that_of_the_closed_form():
    """Of two classes with logits z and 0 and a share p of right answers, sigmoid(z / T) = p is the best."""
    logits = torch.tensor([[4.0, 0.0]], dtype=torch.float64).repeat(100, 1)
    labels = (torch.arange(100) >= 80).long()
    assert temperature(logits, labels) == pytest.approx(4 / math.log(0.8 / 0.2), rel=1e-4)


def test_without_an_error_the_search_ends_at_its_end():
    assert temperature(torch.eye(3).double(), torch.arange(3)) == pytest.approx(TEMPERATURES[0], rel=1e-3)


def test_logits_that_are_right_need_no_temperature_and_sharpened_ones_need_theirs():
    torch.manual_seed(0)
    logits = torch.randn(20_000, 5, dtype=torch.float64)
    labels = torch.distributions.Categorical(logits=logits).sample()
    assert temperature(logits, labels) == pytest.approx(1, abs=0.05)
    assert temperature(3 * logits, labels) == pytest.approx(3 * temperature(logits, labels), rel=1e-3)


def test_numbers_are_those_of_the_libraries():
    what = subject(None, images=60)
    numbers, arrays = measured(what)
    logits, labels = what.logits(), what.part.labels
    probabilities = logits.softmax(1)
    expected = {
        "ECE": 100 * multiclass_calibration_error(probabilities, labels, 3, n_bins=15).item(),
        "NLL": log_loss(labels, probabilities, labels=[0, 1, 2]),
        "Brier": brier_score_loss(labels, probabilities, labels=[0, 1, 2], scale_by_half=False),
    }
    for name, value in expected.items():
        assert numbers[name, "as trained"].value == pytest.approx(value, rel=1e-6)
    images, confidence, right = arrays["trained"]  # the picture shows what the number says
    assert 100 * np.abs(confidence - right).sum() / images.sum() == pytest.approx(expected["ECE"], rel=1e-6)


def test_scaling_cures_overconfidence_and_leaves_the_answers():
    what = subject(None, images=60)
    torch.nn.init.normal_(what.model.fc.weight, std=100)
    numbers, arrays = measured(what)
    assert arrays["trained"][[0, 2]].sum(1).tolist() == arrays["scaled"][[0, 2]].sum(1).tolist()
    assert numbers["NLL", "scaled"].value < numbers["NLL", "as trained"].value / 2
    assert numbers["temperature", "scaled"].value > 2
    by_chance = numbers["ECE if calibrated", "scaled"]
    assert 0 < by_chance.low < by_chance.value < by_chance.high < numbers["ECE", "as trained"].value


def test_certainty_is_in_the_last_bin():
    """50 wrong images at 1.0 and 50 right ones at 0.95: together they are half as often right as they say."""
    confidence = torch.tensor([1.0, 0.95]).double().repeat_interleave(50)
    assert expected_error(confidence, torch.arange(100) >= 50, 15) == pytest.approx(97.5 - 50)


def test_bins_are_of_equal_width():
    found = reliability(torch.tensor([0.1, 0.6, 0.74, 1.0]).double(), torch.tensor([False, True, True, True]), 4)
    np.testing.assert_allclose(found, [[1, 0, 2, 1], [0.1, 0, 1.34, 1], [0, 0, 2, 1]], rtol=1e-6)


def test_one_image_is_too_few():
    with pytest.raises(DataError, match=r"separable/tiny/full/seed10: calibration needs two images"):
        measure(subject(None, images=1), 15)
