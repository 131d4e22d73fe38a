"""docs/published/ says what its files say: the page from the tables, the tables from the runs' numbers."""

import json
import re
import shutil

import pytest
import yaml
from conftest import ROOT

from cnntention.base import layout
from cnntention.base.layout import Run
from docs import conclusions_page, published_page
from docs.blocks import shown

FOLDER = ROOT / "docs/published"
CONFIG = yaml.safe_load((FOLDER / "config.yaml").read_text(encoding="utf-8"))
ATTENTION = json.loads((FOLDER / "tables/attention.json").read_text(encoding="utf-8"))["rows"]


def report(row: dict) -> dict:
    """A run's evaluation."""
    run = Run(row["dataset"], row["model"], row["split"], CONFIG["seeds"][0])
    return json.loads((FOLDER / run.path(layout.EVAL, ".")).read_text(encoding="utf-8"))


def test_the_page_and_the_readme_say_what_the_files_say():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == published_page.page(FOLDER)
    assert shown("published") == published_page.first_screen(FOLDER)


def test_the_config_names_no_folder_of_the_machine_that_made_it():
    assert "\nresults: results/published\n" in (FOLDER / "config.yaml").read_text(encoding="utf-8")


def test_what_has_not_been_measured_is_said_to_be_missing(tmp_path):
    shutil.copytree(FOLDER / "instruments", tmp_path / "instruments")
    shutil.copyfile(FOLDER / "config.yaml", tmp_path / "config.yaml")
    (tmp_path / "instruments/calibration.json").unlink()
    caption = CONFIG["instruments"]["calibration"]["caption"]
    page = conclusions_page.page(tmp_path, published_page.WHOSE)
    assert f"- {caption}\n" in page.partition("## Not measured yet")[2]
    assert f"## {caption}" not in page


@pytest.mark.parametrize("table", ["table3", "attention"])
def test_every_accuracy_is_that_of_its_run(table):
    for row in json.loads((FOLDER / f"tables/{table}.json").read_text(encoding="utf-8"))["rows"]:
        assert row["accuracy"] == pytest.approx(report(row)["accuracy"])
        if table == "attention":
            assert row["bypassed"] == pytest.approx(report(row)["attention"]["accuracy_bypassed"])


def test_where_all_test_images_are_there_the_papers_values_come_out_to_the_image():
    rows = json.loads((FOLDER / "tables/table3.json").read_text(encoding="utf-8"))["rows"]
    whole = [row for row in rows if row["images"] == 10_000]
    assert len(whole) >= 4
    assert all(round(row["accuracy"], 2) == row["published"] for row in whole)


def test_the_networks_are_said_to_be_imported_and_are_not_here():
    for row in ATTENTION:
        assert set(report(row)["training"]) == {"seconds", "epochs", "device", "precision", "imported"}
    for table in FOLDER.glob("*/*.md"):
        assert "Imported, not trained here: " in table.read_text(encoding="utf-8"), table
    assert not [path for path in FOLDER.rglob("*") if path.suffix in (".pt", ".pth", ".th", ".safetensors", ".npz")]


@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_each_network_is_said_to_need_its_attention_if_it_loses_without(dataset):
    text = published_page.use_of_attention(FOLDER, dataset)
    without, _, needed = text.partition(" it: ") if "do as well" in text else ("", "", text)
    for row in ATTENTION:
        if row["dataset"] == dataset:
            label = CONFIG["models"][row["model"]]["label"]
            place = needed if row["gain"] >= published_page.LOSS else without
            said = re.search(rf"to ([\d.]+)% \({label}\)", place)
            assert said, label
            assert float(said[1]) == pytest.approx(row["bypassed"], abs=0.05)
