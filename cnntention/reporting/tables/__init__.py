"""Tables, one file for each kind: from a stanza of the config and evaluated runs to a table."""

import json

from cnntention.base import specs
from cnntention.reporting.kinds import Kinds
from cnntention.reporting.table import Table
from cnntention.reporting.tables.kind import TableKind, TableSpec

KINDS: Kinds[TableKind] = Kinds(
    __name__, __path__, {"caption": {"$ref": "#/$defs/text", "description": "one line, above the table"}}
)


def read_spec(text: str) -> TableSpec:
    """The spec of a table, of whatever kind, from JSON."""
    return specs.read(KINDS[json.loads(text)["kind"]].spec_class, text)


def make_table(spec: TableSpec, results: str, stem: str) -> Table:
    """Make a table from the runs that are evaluated, and write it, see :meth:`.Table.write`.

    Raises:
        DataError: a file of a run is damaged.
    """
    kind = KINDS[spec.kind]
    table = kind.build(spec, kind.read(results, spec))
    table.write(stem)
    return table
