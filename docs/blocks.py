"""The generated parts of the documents: between ``<!-- NAME: make TARGET -->`` and ``<!-- end -->``.

A block stands in one page, the README or any under docs/, and is found there by its name.
"""

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def pages() -> list[Path]:
    """The documents that people read."""
    return [*sorted(ROOT.glob("*.md")), ROOT / "results/README.md", *sorted(ROOT.glob("docs/**/*.md"))]


def shown(name: str) -> str:
    """The text of a block."""
    page, block = _find(name)
    return block.search(page.read_text(encoding="utf-8"))["text"]


def fill(name: str, text: str) -> None:
    """Put a text into a block."""
    page, block = _find(name)
    filled = block.sub(lambda match: match["begin"] + text + match["end"], page.read_text(encoding="utf-8"))
    page.write_text(filled, encoding="utf-8")


def bullets(lines: Iterable[str]) -> str:
    """A list, one item for each line."""
    return "\n".join(f"- {line}" for line in lines)


def _find(name: str) -> tuple[Path, re.Pattern]:
    block = re.compile(
        rf"(?P<begin><!-- {re.escape(name)}: make [\w-]+ -->\n)(?P<text>.*?)(?P<end><!-- end -->)", flags=re.DOTALL
    )
    found = [page for page in pages() for _ in block.finditer(page.read_text(encoding="utf-8"))]
    assert len(found) == 1, f"the block '{name}' stands in {len(found)} places: {', '.join(map(str, found))}"
    return found[0], block
