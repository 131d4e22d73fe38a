"""Which source files a step of the study depends on.

Snakemake does not look into imported modules, so the rules list these files as inputs. The list is read from the
import statements themselves, without importing anything, so it cannot go stale.
"""

import ast
import functools
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent
COMPILED = ("*.cpp", "*.h")
"""Sources that a module compiles; they stand in its folder."""


def _module_file(module: str) -> Path | None:
    """The file of a dotted module name within this package, or None for anything else."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def direct(source: str, file: str) -> frozenset[Path]:
    """Files of this package that Python source imports directly, wherever the import statement stands.

    Args:
        source: the text.
        file: its name, for messages.

    Raises:
        SyntaxError: it is not valid Python, or uses a relative import.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source, filename=file)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise SyntaxError(f"{file}: use absolute imports, relative ones cannot be followed")
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    found: set[Path | None] = set()
    for name in names:
        parts = name.split(".")
        if parts[0] == PACKAGE.name:
            # importing a.b.c also runs a/__init__.py and a/b/__init__.py
            found.update(_module_file(".".join(parts[: i + 1])) for i in range(len(parts)))
    return frozenset(path for path in found if path)


@functools.cache
def _imports(file: Path) -> frozenset[Path]:
    return direct(file.read_text(encoding="utf-8"), str(file))


@functools.cache
def closure(*entries: str) -> tuple[str, ...]:
    """All files of this package that the given ones import, directly or not, themselves included.

    With a module come the C++ sources in its folder.

    Args:
        entries: paths relative to the repository's root, such as ``workflow_scripts/train.py``.

    Returns:
        Paths relative to the repository's root, sorted.

    Raises:
        FileNotFoundError: an entry does not exist.
        SyntaxError: a file is not valid Python, or uses a relative import.
    """
    seen: set[Path] = set()
    waiting = [ROOT / entry for entry in entries]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_imports(file))
            seen.update(source for kind in COMPILED for source in file.parent.glob(kind))
    return tuple(sorted(file.relative_to(ROOT).as_posix() for file in seen))
