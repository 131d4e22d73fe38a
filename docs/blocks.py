"""The generated parts of a document: between ``<!-- NAME: make TARGET -->`` and ``<!-- end -->``."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def fill(name: str, text: str, document: Path = README) -> None:
    """Put a text into a document's block of a name."""
    block = re.compile(rf"(<!-- {re.escape(name)}: make [\w-]+ -->\n).*?(<!-- end -->)", flags=re.DOTALL)
    filled, places = block.subn(lambda match: match[1] + text + match[2], document.read_text(encoding="utf-8"))
    assert places == 1, f"{document.name} has lost the block '{name}'"
    document.write_text(filled, encoding="utf-8")
