"""docs/study/ says what its files say: tables from the runs' numbers, documents from the tables, and nothing lost."""

import json
import re

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from cnntention.base import layout
from docs.blocks import shown

STUDY = ROOT / "docs/study"
DOCUMENT = (STUDY / "README.md").read_text(encoding="utf-8")
CONFIG = yaml.safe_load((STUDY / "config.yaml").read_text(encoding="utf-8"))
PROVENANCE = json.loads((STUDY / "provenance.json").read_text(encoding="utf-8"))
ACCURACY = [name for name, table in CONFIG["tables"].items() if table["kind"] == "accuracy"]
ATTENTION = [name for name, table in CONFIG["tables"].items() if table["kind"] == "attention"]


def report(**names) -> dict:
    """A run's evaluation."""
    path = layout.EVAL.format(results=STUDY, **names)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def rows(table: str) -> list[dict]:
    return pd.read_csv(STUDY / f"tables/{table}.csv").to_dict("records")


@pytest.mark.parametrize("block", [*CONFIG["tables"], "table3 of the study"])
def test_every_table_is_shown_as_it_was_made(block):
    table = block.removesuffix(" of the study")
    assert shown(block) == (STUDY / f"tables/{table}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", ACCURACY)
def test_every_accuracy_is_that_of_its_runs(table):
    for row in rows(table):
        runs = [
            report(**{key: row[key] for key in ("dataset", "model", "split")}, seed=seed) for seed in CONFIG["seeds"]
        ]
        assert row["accuracy"] == pytest.approx(sum(run["accuracy"] for run in runs) / len(runs), rel=1e-5)
        assert row["images"] == runs[0]["n"]
        assert row["hours"] * 3600 == pytest.approx(
            sum(run["training"]["seconds"] for run in runs) / len(runs), rel=1e-5
        )


@pytest.mark.parametrize("table", ATTENTION)
def test_the_use_of_attention_is_that_of_its_runs(table):
    for row in rows(table):
        runs = [
            report(**{key: row[key] for key in ("dataset", "model", "split")}, seed=seed) for seed in CONFIG["seeds"]
        ]
        bypassed = [run["attention"]["accuracy_bypassed"] for run in runs]
        assert row["bypassed"] == pytest.approx(sum(bypassed) / len(runs), rel=1e-5)
        gates = [run["attention"]["gates"] for run in runs]
        for stage in (1, 2, 3):
            expected = pd.Series([of_run[stage - 1] for of_run in gates], dtype=float).mean()
            assert row[f"gate_{stage}"] == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_every_claim_compares_the_numbers_of_its_runs():
    for row in rows("claims"):
        claim = CONFIG["tables"]["claims"]["claims"][row["claim"]]
        for side, column in (("model", "model_value"), ("than", "than_value")):
            names = {"dataset": claim["dataset"], "model": claim[side], "split": claim["split"]}
            values = [_value(claim, names | {"seed": seed}) for seed in CONFIG["seeds"]]
            assert row[column] == pytest.approx(sum(values) / len(values), rel=1e-5)


def _value(claim: dict, names: dict) -> float:
    if claim["measure"] == "early_error":
        judged = "validation_error" if claim["split"] == "tune" else "test_error"
        return pd.read_csv(layout.HISTORY.format(results=STUDY, **names))[judged][: claim["epochs"]].mean()
    run = report(**names)
    return run["training"]["seconds"] if claim["measure"] == "seconds" else run[claim["measure"]]


def test_the_runs_are_those_of_the_config_that_stands_beside_them():
    found = sorted(STUDY.glob("runs/*/*/*/*/eval.json"))
    assert len(found) == PROVENANCE["trainings"]
    for path in found:
        spec = json.loads(path.read_text(encoding="utf-8"))["spec"]
        assert path.parent == STUDY / layout.RUN.removeprefix("{results}/").format(**spec)
        assert spec["attention"] == CONFIG["models"][spec["model"]]["attention"]
        assert spec["seed"] in CONFIG["seeds"]
        assert spec["recipe"]["epochs"] == PROVENANCE["epochs"][layout.NAME.format(**spec)]


def test_every_picture_is_shown():
    links = re.findall(r"\]\(([^)#:][^):]*)\)", DOCUMENT)
    pictures = {path.relative_to(STUDY).as_posix() for path in STUDY.rglob("*.png")}
    assert pictures
    assert pictures <= set(links)


def test_no_weights_and_nothing_large_is_published():
    for path in STUDY.rglob("*"):
        assert path.suffix not in {".pt", ".npz", ".pth"}
        assert path.is_dir() or path.stat().st_size < 2_000_000
