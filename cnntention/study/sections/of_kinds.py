"""A section each of whose stanzas is of a kind, which knows what its product is made from."""

from typing import ClassVar, TypeVar

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.reporting.kinds import Kind, Kinds
from cnntention.study.sections.section import Section

Spec = TypeVar("Spec")


class SectionOfKinds(Section[Spec]):
    """``tables`` or ``figures``.

    Attributes:
        kinds: all that its stanzas may be of.
    """

    kinds: ClassVar[Kinds]

    def kind(self, name: str) -> Kind[Spec]:
        """The kind of a stanza."""
        return self.kinds[self.stanzas[name]["kind"]]

    def code(self, name: str) -> str:
        """The source file of a stanza's kind, relative to the repository's root."""
        return self.kinds.file(self.stanzas[name]["kind"])

    def runs(self, name: str) -> list[Run]:
        """The runs that a product is made from, each once."""
        return self.kind(name).runs(self.stanzas[name], self.study.config["seeds"])

    def files(self, name: str) -> list[str]:
        """The files that a product is made from: of its runs, and what instruments have measured of these."""
        kind = self.kind(name)
        measured = [layout.measurement(instrument) + ".json" for instrument in kind.instruments(self.stanzas[name])]
        files = [
            self.study.run_path(pattern, run)
            for run in self.runs(name)
            for pattern in (*kind.files, *measured)
            if pattern != layout.HISTORY or run.model in self.study.trained_models()
        ]
        return list(dict.fromkeys(files))

    def spec(self, name: str) -> Spec:
        """What a product depends on besides its files."""
        return self.kind(name).spec(name, self.stanzas[name], self.study)
