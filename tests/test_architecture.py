"""Rooms and their order: CONTRIBUTING.md lists them, and what is imported comes from the same room or one before."""

import ast
import re

import pytest
from conftest import ROOT

from cnntention.base.code_files import direct

PACKAGE = ROOT / "cnntention"
ROOMS = re.findall(r"^\| `(\w+)/` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/**/*.py"))


def test_the_list_of_rooms_is_that_of_the_folders():
    assert sorted(ROOMS) == sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file())


@pytest.mark.parametrize("file", SOURCES)
def test_what_is_imported_stands_in_the_same_room_or_an_earlier_one(file):
    own = ROOMS.index(file.split("/")[0])
    source = (PACKAGE / file).read_text(encoding="utf-8")
    imported = {path.relative_to(PACKAGE).parts[0] for path in direct(source, file)} - {"__init__.py"}
    assert [room for room in sorted(imported) if ROOMS.index(room) > own] == []


@pytest.mark.parametrize("file", [*SOURCES, "__main__.py"])
def test_the_package_does_not_know_snakemake(file):
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.partition(".")[0] == "snakemake"}
