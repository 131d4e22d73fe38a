"""The section ``tables``."""

from cnntention.base import layout
from cnntention.reporting import tables
from cnntention.reporting.table import SUFFIXES
from cnntention.reporting.tables import TableSpec
from cnntention.study.sections.of_kinds import SectionOfKinds


class Tables(SectionOfKinds[TableSpec]):
    """Each stanza makes a table."""

    key = "tables"
    kinds = tables.KINDS

    def caption(self, name: str) -> str:
        """What the report says about a table."""
        spec = self.spec(name)
        return tables.KINDS[spec.kind].caption(spec)

    def stem(self, name: str) -> str:
        """The path of a table without its suffix."""
        return self.study.path(layout.TABLE, table=name)

    def suffixes(self, name: str) -> tuple[str, ...]:
        """Of a table's files."""
        return SUFFIXES
