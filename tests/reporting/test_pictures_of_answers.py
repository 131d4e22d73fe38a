"""Pictures of calibration and of corruptions: what is drawn, and that nothing is drawn where nothing is measured."""

import numpy as np
import pandas as pd
import pytest

from cnntention.reporting.instruments import pictures
from cnntention.reporting.instruments.results import FIELDS, Measured
from cnntention.study.study import Study


@pytest.fixture
def study(config) -> Study:
    return Study(config)


@pytest.mark.parametrize("name", ["calibration", "corruptions"])
def test_without_measurements_models_are_named_as_missing(study, name):
    empty = Measured(pd.DataFrame(columns=[*FIELDS, "images", "device"]), [], "nowhere", name, {})
    figure = pictures.load(name).draw(study.instruments.spec(name), empty)
    assert figure.legends[0].get_texts()[0].get_text() == "Baseline (missing)"


def test_strength_0_is_the_error_without_corruption(study):
    errors = {("none", "mean error"): 5.0, ("noise", "mean error"): 30.0}
    errors |= {("noise", f"strength {strength}"): 10.0 * strength for strength in range(1, 6)}
    rows = [
        {"dataset": "mnist", "model": "mha", "seed": 10, "name": name, "unit": "%", "value": value,
         "low": value - 1, "high": value + 1, "spread": np.nan, "images": 9, "device": "", "corruption": kind}
        for (kind, name), value in errors.items()
    ]  # fmt: skip
    measured = Measured(pd.DataFrame(rows), ["corruption"], "nowhere", "corruptions", {})
    figure = pictures.load("corruptions").draw(study.instruments.spec("corruptions"), measured)
    (line,) = [line for ax in figure.axes for line in ax.lines]
    assert line.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
    assert line.get_ydata().tolist() == [5, 10, 20, 30, 40, 50]


def test_dots_of_a_reliability_diagram_are_the_accuracies_of_the_bins(study, monkeypatch):
    bins = np.array([[0.0, 10.0, 30.0], [0.0, 6.0, 27.0], [0.0, 5.0, 24.0]])
    monkeypatch.setattr(Measured, "arrays", lambda self, run: {"trained": bins, "scaled": bins})
    rows = [{"dataset": "cifar10", "model": "mha", "seed": seed} for seed in (10, 11)]
    measured = Measured(pd.DataFrame(rows), [], "nowhere", "calibration", {})
    panel = pictures.load("calibration").draw(study.instruments.spec("calibration"), measured).axes[0]
    (dots,) = panel.collections
    np.testing.assert_allclose(dots.get_offsets(), [[60, 50], [90, 80]])
