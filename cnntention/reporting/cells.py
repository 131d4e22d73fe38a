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


def cells(stanza: dict) -> list[Cell]:
    """The cells of a grid, or of a product that names one, in the order of its models and values."""
    return [Cell(**cell) for cell in stanza["cells"]]


@dataclasses.dataclass(frozen=True)
class Factor:
    """What a grid varies.

    Attributes:
        name: for reading.
        levels: likewise.
    """

    name: str
    levels: tuple[str, ...]


MODEL = "model"
"""The factor of a grid of several models."""


def levels(cell: Cell, config: dict) -> dict[str, str]:
    """The level of each factor in a cell, by the factor's name, for reading."""
    return {MODEL: config["models"][cell.of]["label"]} | {
        title(key): text(key, cell.values[key]) for key in cell.values
    }


def factors(of: list[Cell], config: dict) -> list[Factor]:
    """The factors of a grid that have several levels: its models first, then its keys."""
    found: dict[str, dict[str, None]] = {}
    for cell in of:
        for name, level in levels(cell, config).items():
            found.setdefault(name, {})[level] = None
    return [Factor(name, tuple(of_name)) for name, of_name in found.items() if len(of_name) > 1]


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
