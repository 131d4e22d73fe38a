"""Measures by which a claim compares two models."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd

from cnntention.base.words import duration


@dataclasses.dataclass(frozen=True)
class Measure:
    """The measure by which a claim compares two models.

    Attributes:
        higher: whether the model that is claimed to be ahead has the higher value.
        sampled: whether the value varies from seed to seed.
        value: of a run; of its first epochs, where they are given.
        shown: a value for reading.
        difference: of two values, in the unit in which it is shown.
        form: of a difference.
        of_training: whether it is of a training, not of the network that came out.
    """

    higher: bool
    sampled: bool
    value: Callable[[pd.Series, int | None], float]
    shown: Callable[[float], str]
    difference: Callable[[float, float], float]
    form: str
    of_training: bool = False

    @property
    def unit(self) -> str:
        """Behind a difference."""
        return "%" if self.difference is _percent else ""


def _points(a: float, b: float) -> float:
    return a - b


def _percent(a: float, b: float) -> float:
    return 100 * (a / b - 1)


def _early_error(run: pd.Series, epochs: int | None) -> float:
    return float(np.mean(run["errors"][:epochs]))


MEASURES = {
    "accuracy": Measure(True, True, lambda run, epochs: run["accuracy"], "{:.2f}%".format, _points, "+.2f"),
    "early_error": Measure(False, True, _early_error, "{:.2f}%".format, _points, "+.2f", of_training=True),
    "seconds": Measure(False, False, lambda run, epochs: run["seconds"], duration, _percent, "+.0f", of_training=True),
    "multiply_adds": Measure(
        False, False, lambda run, epochs: run["multiply_adds"], lambda value: f"{value / 1e6:.1f} M", _percent, "+.1f"
    ),
    "parameters": Measure(False, False, lambda run, epochs: run["parameters"], "{:,.0f}".format, _points, "+,.0f"),
}
"""By the name that a config uses. Multiply-adds: of one image, forward."""
