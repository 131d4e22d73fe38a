"""Controls: how near a model comes to the one that it stands for, as in ``stands_for`` of the config."""

import math
from collections.abc import Iterable, Mapping, Sequence

from cnntention.reporting.selection import Labelled

NEAR = 0.05
"""Relative difference up to which two models count as equally large."""

_SIZES = {"parameters": "parameters", "multiply_adds": "multiply-adds"}


def of_models(models: Sequence[str], config: dict) -> dict[str, list[str]]:
    """By control, the models that it stands for, as far as both are among these models."""
    found = {name: [other for other in config["models"][name]["stands_for"] if other in models] for name in models}
    return {name: others for name, others in found.items() if others}


def nearness(models: Iterable[Labelled], stands_for: Mapping[str, Sequence[str]], rows: Iterable[Mapping]) -> list[str]:
    """A note that says how much larger or smaller each control is than what it stands for; none without controls.

    Args:
        models: all of a table.
        stands_for: see :func:`of_models`.
        rows: of the table, with ``model``, ``parameters`` and ``multiply_adds``, NaN where nothing has run; of several
            rows of a model the last counts, since datasets hardly differ in this.
    """
    labels = {model.name: model.label for model in models}
    sizes = {row["model"]: row for row in rows if not math.isnan(row["parameters"])}
    pairs = [
        (control, other)
        for control, others in stands_for.items()
        for other in others
        if control in sizes and other in sizes
    ]
    if not pairs:
        return []
    found = [
        f"{labels[control]} for {labels[other]}: {_compared(sizes[control], sizes[other])}" for control, other in pairs
    ]
    return [f"Controls beside what they stand for. {'; '.join(found)}."]


def _compared(control: Mapping, other: Mapping) -> str:
    differences = {key: control[key] / other[key] - 1 for key in _SIZES}
    text = ", ".join(f"{_SIZES[key]} {difference:+.1%}" for key, difference in differences.items())
    near = any(abs(difference) <= NEAR for difference in differences.values())
    return text if near else f"{text}, near in neither"
