"""Where a training step's time goes: torch's operations in groups, what each takes and what it would take at best."""

from collections.abc import Sequence
from typing import Protocol

GROUPS = {
    "convolution": "Convolutions",
    "native_batch_norm": "Batch norm",
    "relu": "ReLU",
    "threshold": "ReLU",
    "clamp_min": "ReLU",
    "scaled_dot_product": "Attention",
    "attention": "Attention",
    "add": "Sums",
}
"""By how the name of an operation begins; ``_`` before it or ``_backward`` after it makes no difference."""
OTHER = "All else"


class Counted(Protocol):
    """A step of which each operation's least and taken seconds are known, see :class:`benchmarks.floor.Count`."""

    operations: dict[str, list[float]]


def group(operation: str) -> str:
    """The group of an operation's name."""
    return next((group for start, group in GROUPS.items() if operation.lstrip("_").startswith(start)), OTHER)


def milliseconds(steps: Sequence[Counted]) -> dict[str, dict[str, float]]:
    """Of the fastest step, by group: ``floor_ms`` and ``ms``."""
    fastest = min(steps, key=lambda step: sum(taken for _, taken in step.operations.values()))
    found = {name: {"floor_ms": 0.0, "ms": 0.0} for name in dict.fromkeys([*GROUPS.values(), OTHER])}
    for operation, (least, taken) in fastest.operations.items():
        found[group(operation)]["floor_ms"] += 1e3 * least
        found[group(operation)]["ms"] += 1e3 * taken
    return found
