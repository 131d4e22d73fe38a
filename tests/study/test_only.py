"""``only: [names]``: an overlay says what is left of a map, and no entry that the config gains later slips in."""

import pytest
import yaml

from cnntention.base.errors import ConfigError
from cnntention.study.config import complete, load


@pytest.fixture
def merged(tmp_path, config):
    """The shipped config, with changes, under overlays that are given as text."""

    def merge(*overlays: str, **changes) -> dict:
        files = [tmp_path / f"{number}.yaml" for number in range(len(overlays) + 1)]
        files[0].write_text(yaml.safe_dump(config | changes), encoding="utf-8")
        for file, text in zip(files[1:], overlays, strict=True):
            file.write_text(text, encoding="utf-8")
        return load(*files)

    return merge


def test_only_keeps_what_it_lists_and_merges_it_as_ever(merged, config):
    tables = complete(merged("tables: {only: [table2, table3], table3: {datasets: [mnist]}}"))["tables"]
    assert set(tables) == {"table2", "table3"}
    assert tables["table3"]["datasets"] == ["mnist"]
    assert tables["table2"]["models"] == config["tables"]["table2"]["models"]


def test_an_entry_that_the_config_gains_later_stays_out_of_the_overlay(merged, config):
    later = config["tables"] | {"table9": config["tables"]["table2"]}
    overlay = "tables: {only: [table2]}"
    assert complete(merged(overlay, tables=later)) == complete(merged(overlay))


def test_what_is_left_out_need_not_fit_the_rest(merged):
    """MNIST's tables, figures and grid would ask for it."""
    overlay = (
        "{datasets: {only: [cifar10]}, tables: {only: [table2]}, figures: {only: [figure5]}, gradcam: {only: []}, "
        "instruments: {only: []}}"
    )
    completed = complete(merged(overlay))
    assert set(completed["datasets"]) == {"cifar10"}
    assert completed["gradcam"] == {}


def test_claims_are_chosen_likewise(merged):
    completed = complete(merged("tables: {claims: {claims: {only: [17-residual]}}}"))
    assert set(completed["tables"]["claims"]["claims"]) == {"17-residual"}


def test_a_later_list_replaces_an_earlier_one(merged):
    completed = complete(merged("tables: {only: [table2]}", "tables: {only: [table1, table3]}"))
    assert set(completed["tables"]) == {"table1", "table3"}


def test_only_of_a_config_that_somebody_else_has_merged_means_the_same(config):
    """As Snakemake merges the config of a workflow that uses this one as a module."""
    config["tables"]["only"] = ["table2"]
    assert set(complete(config)["tables"]) == {"table2"}


@pytest.mark.parametrize(
    "overlays",
    [
        ["tables: {only: [table2], table3: {split: tune}}"],
        ["tables: {only: [table2]}", "tables: {table3: {split: tune}}"],
    ],
)
def test_an_entry_that_would_be_written_in_vain_is_refused_with_its_file(merged, tmp_path, overlays):
    with pytest.raises(ConfigError) as caught:
        merged(*overlays)
    file = f"{tmp_path}/{len(overlays)}.yaml"
    assert str(caught.value).startswith(f"{file}: tables.table3 is not on the list tables.only")


def test_null_and_only_go_together(merged):
    assert set(complete(merged("tables: {only: [table2], table3: null}"))["tables"]) == {"table2"}


@pytest.mark.parametrize(
    ("overlay", "line"),
    [
        ("tables: {only: [tabel2]}", "tables.only: unknown name 'tabel2'; did you mean 'table2'?"),
        ("tables: {only: table2}", "tables.only: a list is expected, not 'table2'"),
        ("tables: {only: true}", "tables.only: a list is expected, not True"),
        ("tables: {only: [1]}", "tables.only[0]: a text is expected, not 1"),
        ("tables: {only: [[table2]]}", "tables.only[0]: a text is expected"),
        ("tables: {only: [table2, table2]}", "tables.only: an entry is here twice"),
        ("datasets: {only: []}", "datasets.only: at least 1 needed"),
        ("machine: {only: [device]}", "machine: unknown key 'only'"),
    ],
)
def test_a_list_that_cannot_be_is_refused_by_key(merged, overlay, line):
    with pytest.raises(ConfigError) as caught:
        complete(merged(overlay))
    assert line in str(caught.value)
