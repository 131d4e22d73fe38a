"""``diff``: what two studies differ in, read from configs and from results folders."""

import dataclasses
import json
from pathlib import Path

import pytest
from conftest import ROOT
from run_specs import recipe, run_spec

from cnntention.base import specs
from cnntention.base.errors import ConfigError, DataError
from cnntention.workflow.difference import compare, differences


def test_maps_are_compared_key_by_key_and_all_else_as_a_whole():
    a = {"seeds": [1, 2], "lr": 0.1, "models": {"mha": {"depth": 20, "heads": 8}, "cbam": {}}, "same": {"x": None}}
    b = {"seeds": [1], "lr": 0.1, "models": {"mha": {"depth": 32, "heads": 8}}, "same": {"x": None}, "epochs": 3}
    assert list(differences(a, b)) == [
        ("seeds", "[1, 2] -> [1]"),
        ("models.mha.depth", "20 -> 32"),
        ("models.cbam", "only in A"),
        ("epochs", "only in B: 3"),
    ]
    assert list(differences(a, a)) == []


def evaluated(results: Path, accuracy: float, device: str = "CPU", **changes) -> None:
    """An evaluation of a run on disk."""
    spec = run_spec(**changes)
    training = {"seconds": 1.0, "epochs": 2, "device": device, "precision": "fp32"}
    report = {"spec": specs.plain(spec), "training": training, "accuracy": accuracy, "n": 10, "data_sha256": "ab" * 32}
    report |= {"parameters": 1, "multiply_adds": 1, "attention": None, "versions": {"torch": "2"}}
    path = results / "runs" / str(spec.run) / "eval.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(report), encoding="utf-8")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Two results folders: of seeds 1 to 5, each differs in its own way."""
    a, b = tmp_path / "a", tmp_path / "b"
    for folder in (a, b):
        evaluated(folder, 90.0, seed=1)
    evaluated(a, 90.0, seed=2)
    evaluated(b, 91.5, seed=2, recipe=recipe(lr=0.05))
    evaluated(a, 90.0, seed=3)
    evaluated(b, 89.0, seed=3, device="GPU")
    evaluated(a, 90.0, seed=4)
    evaluated(b, 90.5, seed=5)
    evaluated(b, 90.5, seed=6)
    return a, b


def test_two_results_folders_are_compared_run_by_run(folders):
    a, b = folders
    assert compare(str(a), str(b)).splitlines() == [
        f"A  {a}",
        f"B  {b}",
        "",
        "Runs: 3 in both, 1 of them by the same spec",
        "  only in A:",
        "    separable/tiny/full/seed4",
        "  only in B:",
        "    separable/tiny/full/seed5,6",
        "  same spec: 1 with the same accuracy, 0 evaluated in neither",
        "",
        "  other specs: recipe.lr 0.01 -> 0.05",
        "    accuracy, %                     A       B   B - A",
        "    separable/tiny/full/seed2   90.00   91.50   +1.50",
        "",
        "  same spec, made elsewhere: device CPU -> GPU",
        "    accuracy, %                     A       B   B - A",
        "    separable/tiny/full/seed3   90.00   89.00   -1.00",
    ]


def test_two_configs_are_compared_and_their_results_where_they_made_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = (ROOT / "config.yaml").read_text(encoding="utf-8")
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("{results: b, recipes: {he2015: {lr: 0.05}}, seeds: [10, 11]}", encoding="utf-8")
    text = compare("config.yaml", "b.yaml")
    for line in (
        "  recipes.he2015.lr  0.1 -> 0.05",
        "  seeds              [10, 11, 12] -> [10, 11]",
        "    mnist/mha/full/seed12",
        "  other specs: recipe.lr 0.1 -> 0.05",
        "    cifar10/baseline/full/seed10       –       –       –",
    ):
        assert line in text.splitlines(), text
    assert compare("config.yaml", "config.yaml").splitlines()[3] == "Config: no difference"


def test_a_result_that_another_config_made_does_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    names = {"dataset": "cifar10", "model": "baseline", "seed": 10}
    evaluated(tmp_path / "results", 90.0, **names)
    line = "    cifar10/baseline/full/seed10       –   90.00       –"
    assert line in compare("config.yaml", "results").splitlines()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("absent", "absent: no such file or folder; a config"),
        ("empty", "empty: not a results folder"),
        ("odd.yaml", "odd.yaml: not valid YAML"),
    ],
)
def test_what_is_neither_is_refused(folders, tmp_path, monkeypatch, path, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.yaml").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=text):
        compare(str(folders[0]), path)


def test_a_damaged_evaluation_is_named(folders):
    path = folders[1] / "runs" / str(dataclasses.replace(run_spec(), seed=1).run) / "eval.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"seed1/eval\.json: missing or damaged"):
        compare(*map(str, folders))
