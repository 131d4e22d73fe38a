"""Figures, one file for each kind: from a stanza of the config and finished runs to a picture."""

import json

from cnntention.base import specs
from cnntention.reporting.figures.kind import STYLE, FigureKind, FigureSpec
from cnntention.reporting.kinds import Kinds

KINDS: Kinds[FigureKind] = Kinds(
    __name__,
    __path__,
    {"title": {"$ref": "#/$defs/text", "description": "above the panels"}, "style": STYLE},
    default="curves",
)
SUFFIXES = (".png", ".svg")


def read_spec(text: str) -> FigureSpec:
    """The spec of a figure, of whatever kind, from JSON."""
    return specs.read(KINDS[json.loads(text)["kind"]].spec_class, text)


def plot_figure(spec: FigureSpec, results: str, stem: str) -> list[str]:
    """Draw a figure from the runs that are finished, and write it to ``stem`` + ``.png`` and ``.svg``.

    Returns:
        The paths of both.

    Raises:
        DataError: a file of a run is damaged.
    """
    from cnntention.reporting.style import save  # with matplotlib

    kind = KINDS[spec.kind]
    figure = kind.draw(spec, kind.read(results, spec))
    paths = [stem + suffix for suffix in SUFFIXES]
    for path in paths:
        save(figure, path, spec.style.dpi)
    return paths
