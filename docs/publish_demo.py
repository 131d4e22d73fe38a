"""Copy the demo's table and two pictures to docs/demo/, and its table into the README."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "results" / "demo"
PUBLISHED = ROOT / "docs" / "demo"
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- table3 of the demo: make docs -->\n).*?(<!-- end -->)", flags=re.DOTALL)

PUBLISHED.mkdir(exist_ok=True)
for product in ("tables/table3.md", "figures/figure8.png", "gradcam/digits.png"):
    shutil.copyfile(DEMO / product, PUBLISHED / Path(product).name)
table = (PUBLISHED / "table3.md").read_text(encoding="utf-8")
text, places = BLOCK.subn(lambda match: match[1] + table + match[2], README.read_text(encoding="utf-8"))
assert places == 1, "README.md has lost the place of the demo's table"
README.write_text(text, encoding="utf-8")
