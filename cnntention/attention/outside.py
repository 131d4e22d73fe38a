"""Somebody else's attention block: a class in a file or in a package of theirs, which stays where it is."""

import functools
import os
import sys
from pathlib import Path

from cnntention.attention.entry import Entry, registrations
from cnntention.base.code_files import ROOT, Package
from cnntention.base.errors import ConfigError
from cnntention.base.names import suggest


def is_outside(name: str) -> bool:
    """Whether the name of a block in a config says where it is: ``FILE.py:CLASS`` or ``PACKAGE.MODULE:CLASS``."""
    return ":" in name


def find(name: str) -> Entry:
    """What is known of such a block, read without importing it.

    A path is relative to the working directory, as all in the config. A package is looked for there, and then wherever
    Python looks.

    Raises:
        ConfigError: there is no such file or module, or it registers no such class.
    """
    return _find(name, os.getcwd())


@functools.cache
def _find(name: str, folder: str) -> Entry:
    where, _, class_name = name.rpartition(":")
    file, package = _of_file(where, folder) if where.endswith(".py") else _of_module(where, folder)
    found = {each.class_name: each for each in registrations(file)}
    if class_name not in found:
        there = suggest(class_name, found) or "; put @register(...) above the class"
        raise ConfigError(f"{where} registers no class '{class_name}'{there}")
    parts = file.relative_to(package.root).with_suffix("").parts
    path = Path(os.path.relpath(file, ROOT)).as_posix()
    return Entry(".".join(parts), class_name, found[class_name].options, path, package)


def _of_file(path: str, folder: str) -> tuple[Path, Package]:
    file = Path(os.path.normpath(Path(folder, path)))
    if not file.is_file():
        raise ConfigError(f"there is no file {path}, in the working directory or beside the config")
    if not file.stem.isidentifier():
        raise ConfigError(f"{path} cannot be imported; a Python file's name is of letters, digits and '_'")
    return file, Package(file.parent, None)


def _of_module(name: str, folder: str) -> tuple[Path, Package]:
    top, dot, _ = name.partition(".")
    if not dot:
        raise ConfigError(f"{name} is neither a file (NAME.py) nor a module of a package (PACKAGE.MODULE)")
    for root in dict.fromkeys((folder, *sys.path)):
        package = Package(Path(root or folder), top)
        file = package.file(name)
        if file:
            return file, package
    raise ConfigError(f"there is no module {name}, in the working directory or where Python looks for packages")
