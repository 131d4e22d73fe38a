"""Which source files a step of the study depends on.

Snakemake does not look into imported modules, so the rules list these files as inputs. The list is read from the
import statements themselves, without importing anything, so it cannot go stale.
"""

import ast
import dataclasses
import functools
import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent
COMPILED = ("*.cpp", "*.h")
"""Sources that a module compiles; they stand in its folder."""


@dataclasses.dataclass(frozen=True)
class Package:
    """Code whose imports are followed.

    Attributes:
        root: the folder that dotted names are relative to.
        name: of the package; None: every module in the folder counts.
    """

    root: Path
    name: str | None

    def file(self, module: str) -> Path | None:
        """The file of a dotted module name, or None for anything else."""
        if self.name not in (None, module.partition(".")[0]):
            return None
        path = self.root.joinpath(*module.split("."))
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
        return None


def own() -> Package:
    """This one."""
    return Package(ROOT, PACKAGE.name)


def direct(source: str, file: str, other: Package | None = None) -> frozenset[Path]:
    """Files of this package that Python source imports directly, wherever the import statement stands.

    Args:
        source: the text.
        file: its path, also for messages.
        other: a package whose files count as well, if the source is one of them; it may use relative imports.

    Raises:
        SyntaxError: it is not valid Python, or uses a relative import in this package.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source, filename=file)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, file, other)
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)
    found: set[Path | None] = set()
    for package in filter(None, (own(), other)):
        for name in names:
            parts = name.split(".")
            # importing a.b.c also runs a/__init__.py and a/b/__init__.py
            found.update(package.file(".".join(parts[: i + 1])) for i in range(len(parts)))
    return frozenset(path for path in found if path)


def _absolute(node: ast.ImportFrom, file: str, other: Package | None) -> str:
    """The dotted name that ``from ... import`` imports from."""
    if not node.level and node.module:
        return node.module
    if other is None or not other.name:
        raise SyntaxError(f"{file}: use absolute imports, relative ones cannot be followed")
    parents = Path(file).relative_to(other.root).parts[: -node.level]
    return ".".join((*parents, *filter(None, [node.module])))


@functools.cache
def _imports(file: Path, other: Package | None) -> frozenset[Path]:
    return direct(file.read_text(encoding="utf-8"), str(file), other if other and _is_of(file, other) else None)


def _is_of(file: Path, package: Package) -> bool:
    return file.is_relative_to(package.root / (package.name or "")) and not file.is_relative_to(PACKAGE)


@functools.cache
def closure(*entries: str, other: Package | None = None) -> tuple[str, ...]:
    """All files of this package that the given ones import, directly or not, themselves included.

    With a module come the C++ sources in its folder.

    Args:
        entries: paths relative to the repository's root, such as ``workflow_scripts/train.py``.
        other: a package whose files count as well.

    Returns:
        Paths relative to the repository's root, sorted.

    Raises:
        FileNotFoundError: an entry does not exist.
        SyntaxError: a file is not valid Python, or uses a relative import in this package.
    """
    seen: set[Path] = set()
    waiting = [Path(os.path.normpath(ROOT / entry)) for entry in entries]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_imports(file, other))
            seen.update(source for kind in COMPILED for source in file.parent.glob(kind))
    return tuple(sorted(Path(os.path.relpath(file, ROOT)).as_posix() for file in seen))
