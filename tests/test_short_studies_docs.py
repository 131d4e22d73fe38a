"""docs/fashion-mnist/ and docs/future-work/: what a page shows is what the files beside it say."""

import json

import pandas as pd
import pytest
from conftest import ROOT

from docs.blocks import shown

STUDIES = {"fashion-mnist": ("accuracy",), "future-work": ("channels", "parallel", "attention-only")}
"""Tables of accuracy, by study."""
ACCURACIES = [(study, name) for study, names in STUDIES.items() for name in names if (ROOT / "docs" / study).is_dir()]
TABLES = [(study, path.stem) for study in STUDIES for path in sorted((ROOT / f"docs/{study}/tables").glob("*.md"))]


@pytest.mark.parametrize(("study", "table"), TABLES)
def test_a_page_shows_the_published_tables(study, table):
    assert shown(f"{table} of {study}") == (ROOT / f"docs/{study}/tables/{table}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("study", "table"), ACCURACIES)
def test_a_table_has_the_accuracies_of_the_published_evaluations(study, table):
    folder = ROOT / "docs" / study
    rows = pd.read_csv(folder / f"tables/{table}.csv")
    assert len(rows) >= 4
    for row in rows.itertuples():
        path = folder / f"runs/{row.dataset}/{row.model}/{row.split}/seed10/eval.json"
        report = json.loads(path.read_text(encoding="utf-8"))
        right = sum(counts[label] for label, counts in enumerate(report["confusion"]))
        images = sum(map(sum, report["confusion"]))
        assert row.accuracy == pytest.approx(100 * right / images, abs=0.006)
