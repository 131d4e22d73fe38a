"""What an instrument may have besides its numbers: a module of its name in one of the folders beside this file."""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Parts(Generic[Part]):
    """The modules of one folder; each is imported when it is asked for.

    Args:
        package: the folder, as a package.
        path: the package's ``__path__``.
    """

    def __init__(self, package: str, path: Iterable[str]):
        self._package = package
        self._names = {module.name for module in pkgutil.iter_modules(path)}

    def file(self, kind: str) -> str | None:
        """The source file of an instrument's module, relative to the repository's root; None: it has none."""
        return f"{self._package.replace('.', '/')}/{kind}.py" if kind in self._names else None

    def load(self, kind: str) -> Part:
        """The module, imported."""
        return importlib.import_module(f"{self._package}.{kind}")  # type: ignore[return-value]
