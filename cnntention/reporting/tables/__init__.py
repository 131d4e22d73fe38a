"""Tables, one file a kind: a spec and evaluated runs in, a table out."""

import pandas as pd

from cnntention.reporting.tables import accuracy, attention, claims, recipes
from cnntention.reporting.tables.table import Table

_KINDS = {"accuracy": accuracy.build, "attention": attention.build, "claims": claims.build}


def build(spec: dict, runs: pd.DataFrame) -> Table:
    """The table of a spec, by its ``kind``.

    Args:
        spec: see :meth:`cnntention.study.study.Study.table_spec`.
        runs: see :func:`cnntention.reporting.results.evaluations`; not used by a table of recipes.
    """
    return recipes.build(spec) if spec["kind"] == "recipes" else _KINDS[spec["kind"]](spec, runs)
