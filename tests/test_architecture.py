"""Dependencies point one way: the picture in CONTRIBUTING.md is read, and the imports must agree with it."""

import ast
import re

import networkx as nx
import pytest
from conftest import ROOT

from cnntention.imports import direct

PICTURE = re.search(r"```mermaid\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)[1]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*(ROOT / "cnntention").rglob("*.py"), *(ROOT / "workflow_scripts").glob("*.py"), ROOT / "Snakefile",
                 *(ROOT / "rules").glob("*.smk"))
    if path != ROOT / "cnntention/__init__.py"
)  # fmt: skip


def boxes() -> dict[str, list[str]]:
    """What each box of the picture holds: files, and folders with a slash at the end."""
    labels = re.findall(r'^ *(\w+)\["<b>.*?</b><br>(.*?)"\]$', PICTURE, flags=re.MULTILINE)
    return {box: [name.strip() for name in text.replace("<br>", ",").split(",")] for box, text in labels}


def arrows() -> nx.DiGraph:
    """The arrows that stand for imports, from what is imported to what imports it."""
    graph = nx.DiGraph()
    for left, right in re.findall(r"^ *([\w &]+?) --> ([\w &]+)$", PICTURE, flags=re.MULTILINE):
        graph.add_edges_from((a, b) for a in left.split(" & ") for b in right.split(" & "))
    return graph


def path_of(name: str) -> str:
    """The path of a name in a box: what is in the package stands there without its folder and suffix."""
    module = f"cnntention/{name}" if name.endswith("/") else f"cnntention/{name}.py"
    return module if (ROOT / module).exists() else name


def holders(file: str) -> list[str]:
    """The boxes that a file stands in."""
    return [
        box
        for box, names in boxes().items()
        for path in map(path_of, names)
        if file == path or (path.endswith("/") and file.startswith(path))
    ]


def imported(file: str) -> set[str]:
    """The package's files that a file imports directly; of the Snakefile and the rules, by their import lines."""
    source = (ROOT / file).read_text(encoding="utf-8")
    if not file.endswith(".py"):
        source = "\n".join(re.findall(r"^(?:from|import) .*$", source, flags=re.MULTILINE))
    return {path.relative_to(ROOT).as_posix() for path in direct(source, file)} - {"cnntention/__init__.py"}


def edges() -> set[tuple[str, str]]:
    """Imports from one box to another."""
    pairs = {(holders(other)[0], holders(file)[0]) for file in SOURCES for other in imported(file)}
    return {(a, b) for a, b in pairs if a != b}


@pytest.mark.parametrize("file", SOURCES)
def test_every_file_stands_in_one_box(file):
    assert len(holders(file)) == 1


def test_boxes_hold_what_is_there():
    names = [name for held in boxes().values() for name in held]
    assert len(names) == len(set(names))
    assert [name for name in names if not (ROOT / path_of(name)).exists()] == []


def test_arrows_go_from_box_to_box_and_never_in_a_circle():
    assert set(arrows()) == set(boxes())
    assert nx.is_directed_acyclic_graph(arrows())


@pytest.mark.parametrize("file", SOURCES)
def test_imports_follow_the_arrows(file):
    (box,) = holders(file)
    upstream = nx.ancestors(arrows(), box) | {box}
    assert [other for other in sorted(imported(file)) if holders(other)[0] not in upstream] == []


def test_each_arrow_is_an_import_and_none_says_what_others_say():
    assert set(arrows().edges) <= edges()
    assert set(nx.transitive_reduction(arrows()).edges) == set(arrows().edges)


@pytest.mark.parametrize("file", [file for file in SOURCES if file.endswith(".py")])
def test_only_the_workflow_knows_snakemake(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.partition(".")[0] == "snakemake"}
