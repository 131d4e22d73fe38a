"""The demo's products are there, and its four models of Table 3 are above 95% test accuracy."""

import sys
from pathlib import Path

import pandas as pd

DEMO = Path("results/demo")
PRODUCTS = (
    *(f"tables/table{number}.{suffix}" for number in (1, 2, 3) for suffix in ("md", "csv", "tex", "html")),
    *(f"figures/figure{number}.{suffix}" for number in (1, 2, 7, 8) for suffix in ("png", "svg")),
    "tables/controls.md",
    "figures/seeds.png",
    "instruments/attention-weights.md",
    "instruments/ablation.md",
    "gradcam/digits.png",
    "gradcam/digits.json",
    "overview.html",
)

missing = [name for name in PRODUCTS if not (DEMO / name).is_file()]
table = pd.read_csv(DEMO / "tables/table3.csv").set_index("model")
if missing or list(table.index) != ["baseline", "selfatt", "mha", "cbam-16"] or not (table["accuracy"] > 95).all():
    sys.exit(f"the demo is not what it should be\nmissing: {missing}\n{table['accuracy']}")
print(f"demo: all {len(PRODUCTS)} products are there; accuracies {dict(table['accuracy'])}")
