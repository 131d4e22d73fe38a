"""What each section says of the products of its stanzas, by the stanza's name."""

import abc
from collections.abc import Iterable
from typing import ClassVar, Generic, Protocol, TypeVar

from cnntention.base.layout import Run
from cnntention.reporting import kinds

Spec = TypeVar("Spec")


class Study(kinds.Study, Protocol):
    """What a section asks of the study that it is a part of."""

    def path(self, pattern: str, **names: object) -> str:
        """A pattern of :mod:`cnntention.base.layout` with the names filled in."""

    def run_path(self, pattern: str, run: Run) -> str:
        """A file of a run."""

    def trained_models(self) -> list[str]:
        """The models that are trained here."""


class Section(abc.ABC, Generic[Spec]):
    """One section of a study's config.

    Attributes:
        key: of the config.
    """

    key: ClassVar[str]

    def __init__(self, study: Study):
        self.study = study

    @property
    def stanzas(self) -> dict[str, dict]:
        """All of the section, by name."""
        return self.study.config[self.key]

    @abc.abstractmethod
    def runs(self, name: str) -> list[Run]:
        """The runs that a product is made from, each once."""

    @abc.abstractmethod
    def files(self, name: str) -> list[str]:
        """The files that a product is made from."""

    @abc.abstractmethod
    def spec(self, name: str) -> Spec:
        """What a product depends on besides its files."""

    @abc.abstractmethod
    def caption(self, name: str) -> str:
        """What the report says about a product."""

    @abc.abstractmethod
    def stem(self, name: str) -> str:
        """The path of a product without its suffix."""

    @abc.abstractmethod
    def suffixes(self, name: str) -> Iterable[str]:
        """Of a product's files."""

    def products(self) -> list[str]:
        """All files that the section makes."""
        return [self.stem(name) + suffix for name in self.stanzas for suffix in self.suffixes(name)]
