"""Cells of a grid of models: one model for each combination of values, and what the combination is called."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Cell:
    """One model of a grid.

    Attributes:
        model: its name in the config.
        of: the model that the grid varies.
        values: what it has instead, by key.
    """

    model: str
    of: str
    values: dict[str, Any]


def cells(grid: str, config: dict) -> list[Cell]:
    """The cells of a grid, in the order of its models and values."""
    return [Cell(**cell) for cell in config["grids"][grid]["cells"]]


def word(key: str, value: Any) -> str:
    """A value of a key for a name, such as ``depth32``, ``widths15-32-67`` or ``he2015``."""
    if isinstance(value, str):
        return value
    setting = _setting(key)
    if isinstance(value, bool):
        return setting if value else f"no-{setting}"
    return setting + ("-".join(map(str, value)) if isinstance(value, list) else str(value))


def text(key: str, value: Any) -> str:
    """A value of a key for reading, such as ``depth 32``, ``widths 15/32/67`` or ``he2015``."""
    if isinstance(value, str):
        return value
    setting = title(key)
    if isinstance(value, bool):
        return setting if value else f"no {setting}"
    return f"{setting} {'/'.join(map(str, value)) if isinstance(value, list) else value}"


def title(key: str) -> str:
    """A key for reading, such as ``weight decay`` for ``recipe.weight_decay``."""
    return _setting(key).replace("_", " ")


def _setting(key: str) -> str:
    return key.rpartition(".")[2]
