"""The section ``figures``."""

from cnntention.base import layout
from cnntention.reporting import figures
from cnntention.reporting.figures import FigureSpec
from cnntention.study.sections.of_kinds import SectionOfKinds


class Figures(SectionOfKinds[FigureSpec]):
    """Each stanza makes a figure."""

    key = "figures"
    kinds = figures.KINDS

    def models(self, name: str) -> list[str]:
        """The models that a figure builds."""
        return self.kind(name).builds(self.stanzas[name])

    def caption(self, name: str) -> str:
        """What the report says about a figure."""
        spec = self.spec(name)
        return figures.KINDS[spec.kind].caption(spec, self.study.config["tables"])

    def stem(self, name: str) -> str:
        """The path of a figure without its suffix."""
        return self.study.path(layout.FIGURE, figure=name)

    def suffixes(self, name: str) -> tuple[str, ...]:
        """Of a figure's files."""
        return figures.SUFFIXES
