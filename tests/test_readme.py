"""The README and the pages under docs/ say what is."""

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, example
from PIL import Image

from cnntention.instruments import registry
from cnntention.study.config import load
from cnntention.study.study import Study
from docs.blocks import pages, shown

PAGES = pages()


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them: small letters, no punctuation, hyphens for spaces."""
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def by_path(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_the_demos_table_is_the_published_one():
    assert shown("table3 of the demo") == text(ROOT / "docs/demo/table3.md")


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        path, _, anchor = link.partition("#")
        if ":" in path:
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page():
    linked = re.findall(r"\]\(([^)#\s]+)", text(ROOT / "README.md"))
    assert {by_path(page) for page in ROOT.glob("docs/*.md")} <= set(linked)


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_make_target_and_overlay_that_it_names_is_there(page):
    makefile = text(ROOT / "Makefile")
    for target in re.findall(r"(?:`|<!-- [^\n>]*: |^)make (\w[\w-]*)(?:`| -->|$)", text(page), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for overlay in re.findall(r"configs/[\w-]+\.yaml", text(page)):
        assert overlay == "configs/mine.yaml" or (ROOT / overlay).is_file(), overlay


@pytest.fixture
def with_margin(tmp_path, monkeypatch):
    """The instruments, and that of docs/extending.md."""
    folder = tmp_path / "instruments"
    shutil.copytree(Path(registry.__file__).parent, folder, ignore=shutil.ignore_patterns("__*"))
    (folder / "margin.py").write_text(example("extending", "def measure"), encoding="utf-8")
    monkeypatch.setattr(registry, "__file__", str(folder / "registry.py"))
    registry.catalogue.cache_clear()
    yield
    registry.catalogue.cache_clear()


@pytest.mark.parametrize("page", ["configuration", "extending"])
def test_its_examples_together_are_a_valid_overlay(page, tmp_path, monkeypatch, with_margin):
    """With the block and the instrument that are written there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    pixels, labels = np.zeros((600, 8, 8), np.uint8), np.arange(600) % 2
    np.savez(tmp_path / "data/leaves.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    for number in range(150):
        (tmp_path / f"data/flowers/{number % 2}").mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / f"data/flowers/{number % 2}/{number}.png")
    (tmp_path / "strips.py").write_text(example("extending", "class Strips"), encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", text(ROOT / f"docs/{page}.md"), flags=re.DOTALL | re.MULTILINE)
    overlays = [tmp_path / f"{number}.yaml" for number, _ in enumerate(examples)]
    for overlay, content in zip(overlays, examples, strict=True):
        overlay.write_text(content, encoding="utf-8")
    runs = Study(load(ROOT / "config.yaml", *overlays)).runs()
    assert page != "extending" or {run.model for run in runs if run.dataset == "leaves"} >= {"strips"}


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_source_file_that_it_names_is_there(page):
    """Rooms may be named without the package's folder; examples have capitals in their names."""
    for path in re.findall(r"`((?:[a-z_.]+/)+[a-z_0-9]+\.(?:py|smk|schema\.yaml))`", text(page)):
        assert (ROOT / path).is_file() or (ROOT / "cnntention" / path).is_file(), path


FOREIGN = {"Directory cannot be locked", "No space left on device", "Read-only file system", "kill -9"}
"""What Snakemake and the operating system say."""
FILLED_IN = r"\b(cuda|nan)\b"
"""Words of quoted messages in whose place the code may have a variable."""


def texts() -> str:
    """Every text in the package, a line each, with a dot for what an f-string fills in."""
    found = []
    for path in (ROOT / "cnntention").rglob("*.py"):
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "." for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(" ".join(each.split()) for each in found)


def test_the_messages_that_troubleshooting_quotes_are_those_of_the_code():
    cells = re.findall(r"^\| (.*?) \|", text(ROOT / "docs/troubleshooting.md"), flags=re.MULTILINE)
    quoted = {quote for cell in cells for quote in re.findall(r"`([^`]*)`", cell)} - FOREIGN
    pieces = [piece.strip() for quote in quoted for piece in re.split(r"…|: ", quote) if " " in piece.strip()]
    assert len(pieces) > 10
    said = texts()
    for piece in pieces:
        assert re.search(re.sub(FILLED_IN, r"(\1|[.])", re.escape(piece).replace(r"\ ", " ")), said), piece
