"""The numbers of an ``eval.json``, each a function from a :class:`Subject` to its entries.

A new number is such a function, in the file that it fits into or one of its own, and its place in ``METRICS``.
"""

from collections.abc import Callable

from cnntention.evaluation.metrics import answers, attention, size
from cnntention.evaluation.metrics.subject import Subject

METRICS: tuple[Callable[[Subject], dict], ...] = (
    answers.accuracy,
    answers.accuracy_per_class,
    answers.confusion,
    size.size,
    attention.use,
)
"""In the order of the file."""


def measure(subject: Subject) -> dict:
    """All numbers, by their keys in the file."""
    return {key: value for metric in METRICS for key, value in metric(subject).items()}
