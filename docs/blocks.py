"""The parts of the README that are generated: between ``<!-- NAME: make TARGET -->`` and ``<!-- end -->``."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def fill(name: str, text: str) -> None:
    """Put a text into the README's block of a name."""
    block = re.compile(rf"(<!-- {re.escape(name)}: make \w+ -->\n).*?(<!-- end -->)", flags=re.DOTALL)
    filled, places = block.subn(lambda match: match[1] + text + match[2], README.read_text(encoding="utf-8"))
    assert places == 1, f"README.md has lost the block '{name}'"
    README.write_text(filled, encoding="utf-8")
