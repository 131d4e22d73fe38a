"""The section ``gradcam``, whose stanzas are named after datasets."""

from cnntention.base import layout, specs
from cnntention.base.layout import Run
from cnntention.reporting import grid
from cnntention.reporting.grid import GridSpec
from cnntention.study.sections.section import Section


class Gradcam(Section[GridSpec]):
    """Each stanza makes a Grad-CAM grid."""

    key = "gradcam"

    def runs(self, name: str) -> list[Run]:
        """The runs that a grid is made from: one a model."""
        return grid.runs(name, self.stanzas[name], self.study.config["seeds"])

    def files(self, name: str) -> list[str]:
        """The models that a grid is made from."""
        return [self.study.run_path(layout.MODEL, run) for run in self.runs(name)]

    def spec(self, name: str) -> GridSpec:
        """What a grid depends on besides its models."""
        own = grid.details(name, self.stanzas[name], self.study.config)
        return specs.read(GridSpec, own | {"runs": self.study.digests(self.runs(name))})

    def caption(self, name: str) -> str:
        """What the report says about a grid."""
        return grid.caption(self.spec(name))

    def stem(self, name: str) -> str:
        """The path of a grid without its suffix."""
        return self.study.path(layout.GRID, dataset=name)

    def suffixes(self, name: str) -> tuple[str, ...]:
        """Of a grid's files."""
        return grid.SUFFIXES
