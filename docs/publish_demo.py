"""Copy the demo's table and two pictures to docs/demo/, and its table into its block."""

import shutil
from pathlib import Path

from docs.blocks import ROOT, fill

DEMO = ROOT / "results" / "demo"
PUBLISHED = ROOT / "docs" / "demo"

PUBLISHED.mkdir(exist_ok=True)
for product in ("tables/table3.md", "figures/figure8.png", "gradcam/digits.png"):
    shutil.copyfile(DEMO / product, PUBLISHED / Path(product).name)
fill("table3 of the demo", (PUBLISHED / "table3.md").read_text(encoding="utf-8"))
