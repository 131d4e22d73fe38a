"""docs/fashion-mnist/: what the page shows is what the files beside it say."""

import json

import pandas as pd
import pytest
from conftest import ROOT

from docs.blocks import shown

FOLDER = ROOT / "docs/fashion-mnist"


@pytest.mark.parametrize("table", ["accuracy", "attention"])
def test_the_page_shows_the_published_tables(table):
    assert shown(f"{table} on Fashion-MNIST") == (FOLDER / f"tables/{table}.md").read_text(encoding="utf-8")


def test_the_table_has_the_accuracies_of_the_published_evaluations():
    table = pd.read_csv(FOLDER / "tables/accuracy.csv").set_index("model")
    assert len(table) == 4
    for model, row in table.iterrows():
        path = FOLDER / f"runs/fashion-mnist/{model}/full/seed10/eval.json"
        report = json.loads(path.read_text(encoding="utf-8"))
        right = sum(counts[label] for label, counts in enumerate(report["confusion"]))
        assert row["accuracy"] == pytest.approx(100 * right / 10_000, abs=0.006)
