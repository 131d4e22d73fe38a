"""What a kind of table has to provide, see :mod:`cnntention.reporting.kinds`."""

import abc
import dataclasses
from typing import TypeVar

import pandas as pd

from cnntention.reporting.kinds import Kind
from cnntention.reporting.runs import evaluations
from cnntention.reporting.table import Table


@dataclasses.dataclass(frozen=True)
class TableSpec:
    """What every table depends on.

    Attributes:
        name: in the config.
        kind: its file in ``reporting/tables/``.
        caption: one line.
        runs: the digest of the spec by which each run has to be made, by the run's name.
    """

    name: str
    kind: str
    caption: str
    runs: dict[str, str]


Spec = TypeVar("Spec", bound=TableSpec)


class TableKind(Kind[Spec]):
    """One kind of table."""

    copied = ("caption",)

    def read(self, results: str, spec: Spec) -> pd.DataFrame:
        """The runs that there are of a table, see :mod:`cnntention.reporting.runs`."""
        return evaluations(results, spec.runs)

    @abc.abstractmethod
    def build(self, spec: Spec, runs: pd.DataFrame) -> Table:
        """The table of what :meth:`read` has found; what is missing is shown as missing."""

    @abc.abstractmethod
    def caption(self, spec: Spec) -> str:
        """What the report says about the table."""
