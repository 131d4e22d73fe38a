"""What a kind of figure has to say, see :mod:`cnntention.reporting.kinds`."""

import abc
import dataclasses
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from cnntention.reporting.kinds import Kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # at run time where a figure is drawn: the config is read without it


@dataclasses.dataclass(frozen=True)
class Style:
    """How a figure looks.

    Attributes:
        width: inches.
        height: inches a row of panels.
        dpi: dots per inch of the PNG.
        y_max: upper end of the y axes; None: chosen from what is drawn.
    """

    width: float
    height: float
    dpi: int
    y_max: float | None


STYLE: dict = {
    "type": "object",
    "additionalProperties": False,
    "default": {},
    "description": "how the figure looks",
    "properties": {
        "width": {"type": "number", "minimum": 2, "maximum": 40, "default": 9.0, "description": "in inches"},
        "height": {
            "type": "number",
            "minimum": 1.5,
            "maximum": 40,
            "default": 3.6,
            "description": "of each row of panels, in inches",
        },
        "dpi": {
            "type": "integer",
            "minimum": 50,
            "maximum": 600,
            "default": 150,
            "description": "dots per inch of the PNG",
        },
        "y_max": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "default": None,
            "description": "upper end of the y axes; null: chosen from what is drawn",
        },
    },
}
"""JSON schema of a :class:`Style`."""


@dataclasses.dataclass(frozen=True)
class FigureSpec:
    """What every figure depends on.

    Attributes:
        name: in the config.
        kind: its file in ``reporting/figures/``.
        title: above the panels.
        style: how it looks.
        runs: the digest of the spec by which each run has to be made, by the run's name.
    """

    name: str
    kind: str
    title: str
    style: Style
    runs: dict[str, str]


Spec = TypeVar("Spec", bound=FigureSpec)


class FigureKind(Kind[Spec]):
    """One kind of figure."""

    copied = ("title", "style")

    @abc.abstractmethod
    def read(self, results: str, spec: Spec) -> pd.DataFrame:
        """The runs that there are of a figure, see :mod:`cnntention.reporting.runs`."""

    @abc.abstractmethod
    def draw(self, spec: Spec, runs: pd.DataFrame) -> "Figure":
        """The figure of what :meth:`read` has found; what is missing is named in it. Imports matplotlib by itself."""

    @abc.abstractmethod
    def caption(self, spec: Spec, tables: dict[str, dict]) -> str:
        """What the report says of the figure.

        Args:
            spec: of the figure.
            tables: stanzas of the config's tables, which know what the paper says.
        """
