"""The reference of the config holds every key there is, and says what each means."""

import re

import pytest
from conftest import ROOT

from cnntention.study.config import complete, load
from docs.blocks import shown
from docs.configuration_reference import BLOCK, reference, rows

ROWS = rows()


def keys(node: dict, prefix: str = "") -> list[str]:
    """The path of every key in a config, with names as they stand there."""
    found = []
    for key, value in node.items():
        found.append(prefix + key)
        if isinstance(value, dict):
            found += keys(value, f"{prefix}{key}.")
    return found


def test_the_page_shows_the_schema_as_it_is():
    assert shown(BLOCK) == reference(), "run python -m docs.configuration_reference"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_no_key_is_without_a_description(row):
    assert row.meaning


@pytest.mark.parametrize("row", [row for row in ROWS if "`null`" in row.possible], ids=lambda row: row.key)
def test_what_null_means_is_said(row):
    assert "null: " in row.meaning


@pytest.mark.parametrize("overlays", [[], ["configs/demo.yaml"]], ids=["config", "demo"])
def test_every_key_of_a_whole_config_is_in_it(overlays):
    """Names stand for themselves, or for a name that the config gives."""
    known = {row.key for row in ROWS}
    known |= {key[: end.start()] for key in known for end in re.finditer(r"(?<=[*])(?=\.)", key)}
    patterns = [re.compile(re.escape(key).replace(r"\*", r"[\w.-]+?")) for key in known]
    whole = complete(load(ROOT / "config.yaml", *(ROOT / overlay for overlay in overlays)))
    unknown = [key for key in keys(whole) if not any(pattern.fullmatch(key) for pattern in patterns)]
    assert unknown == []


def test_keys_are_shown_with_what_may_stand_there_and_what_does_by_default():
    """One of each form, as the schema has them."""
    page = reference().splitlines()
    for beginning in (
        "| `machine.device` | `auto`, `cpu`, `cuda`, `mps` | `auto` | ",
        "| `epochs` | whole number ≥ 1, ≤ 1,000,000 or `null` | `null` | ",
        "| `models.*.widths` | list of 3: whole number ≥ 1, ≤ 4,096 | `[16, 32, 64]` | ",
        "| `models.*.recipe` | name |  | ",
        "| `recipes.*.momentum` | number ≥ 0, < 1 |  | ",
        "| `gradcam.*.style.cell` | number ≥ 0.8, ≤ 8 | `1.7` | ",
    ):
        assert [line for line in page if line.startswith(beginning)], beginning


def test_who_has_a_key_is_said_where_not_all_have_it():
    """Others may have it too."""

    def owners(key: str) -> set[str]:
        return set(re.findall(r"[\w-]+:?", " ".join(row.owners for row in ROWS if row.key == key)))

    assert owners("tables.*.caption") == owners("datasets.*.label") == set()
    assert owners("tables.*.reference") >= {"kind:", "accuracy"}
    assert owners("datasets.*.path") >= {"source:", "npz"}
    assert owners("models.*.attention.options.reduction") >= {"block:", "cbam", "cbam-constant"}
    assert "mha" not in owners("models.*.attention.options.reduction")
