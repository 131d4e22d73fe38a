"""The section ``instruments``."""

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.instruments.specs import InstrumentSpec
from cnntention.reporting.instruments import comparisons, findings, pictures, spec
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.table import SUFFIXES
from cnntention.study.sections.section import Section


class Instruments(Section[StanzaSpec]):
    """Each stanza measures its runs, and makes a table of them and, if its kind has one, a picture."""

    key = "instruments"

    def runs(self, name: str) -> list[Run]:
        """The runs that an instrument looks at."""
        return spec.runs(self.stanzas[name], self.study.config)

    def files(self, name: str) -> list[str]:
        """The measurements that a table and a picture are made from."""
        stem = layout.measurement(name)
        return [self.study.run_path(stem + suffix, run) for run in self.runs(name) for suffix in (".json", ".npz")]

    def spec(self, name: str) -> StanzaSpec:
        """What a table and a picture depend on besides the measurements."""
        return spec.stanza_spec(name, self.stanzas[name], self.study)

    def measurement_spec(self, name: str) -> InstrumentSpec:
        """What a measurement depends on besides its run."""
        return spec.instrument_spec(self.stanzas[name])

    def own_files(self, name: str) -> list[str]:
        """The user's files that an instrument reads besides network and images."""
        return spec.own_files(self.stanzas[name])

    def code(self, name: str) -> str:
        """The source file of an instrument, relative to the repository's root."""
        return spec.code(self.stanzas[name])

    def table_code(self, name: str) -> list[str]:
        """The source files of an instrument's comparison of runs and of its findings, as far as it has them."""
        kind = self.stanzas[name]["kind"]
        return [file for file in (comparisons.file(kind), findings.file(kind)) if file]

    def picture_code(self, name: str) -> str | None:
        """The source file of an instrument's picture, relative to the repository's root; None: it has none."""
        return pictures.file(self.stanzas[name]["kind"])

    def caption(self, name: str) -> str:
        """What the report says about a table and a picture."""
        return spec.caption(self.spec(name))

    def stem(self, name: str) -> str:
        """The path of a table and a picture without their suffix."""
        return self.study.path(layout.INSTRUMENT, instrument=name)

    def suffixes(self, name: str) -> tuple[str, ...]:
        """Of a table's and, if there is one, a picture's files."""
        return (*SUFFIXES, *(pictures.SUFFIXES if self.picture_code(name) else ()))
