"""The config: what is valid, what is not and how that is said, what is filled in and how files are merged."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT

from cnntention.base.errors import ConfigError
from cnntention.study.config import base_config, complete, load

NAMED = ("datasets", "recipes", "models", "tables", "figures", "gradcam")

OVERLAYS = sorted((ROOT / "configs").glob("*.yaml"))
REMOVED = "(removed)"


def change(config: dict, path: str, value) -> dict:
    """Set (or, with REMOVED, delete) the entry at ``a/b/c``; maps that are not there are made."""
    *parents, last = path.split("/")
    node = config
    for part in parents:
        node = node.setdefault(part, {})
    if value is REMOVED:
        del node[last]
    else:
        node[last] = value
    return config


def write_npz(path, train=30, test=10, shape=(8, 8), **arrays):
    """A small dataset of one's own; ``arrays`` replace the regular ones."""
    regular = {
        "x_train": np.zeros((train, *shape), np.uint8),
        "y_train": np.arange(train) % 2,
        "x_test": np.zeros((test, *shape), np.uint8),
        "y_test": np.arange(test) % 2,
    }
    np.savez(path, **(regular | arrays))


def message(config: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        complete(config)
    return str(caught.value)


# ---- valid configs


def test_the_shipped_config_is_valid(config):
    complete(config)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_every_overlay_is_valid_on_top_of_the_shipped_config(overlay, tmp_path, monkeypatch):
    """Files of one's own are replaced by small ones that fit the overlay, since users bring them."""
    config = load(ROOT / "config.yaml", overlay)
    monkeypatch.chdir(tmp_path)
    for name, dataset in config["datasets"].items():
        if name != "only" and dataset["source"] == "npz":
            indices = (config["gradcam"].get(name) or {}).get("images", [0])
            channels = len((dataset.get("normalization") or {"mean": [0.0]})["mean"])
            write_npz("own.npz", dataset.get("validation_images", 0) + 10, max(1000, *indices) + 1, (8, 8, channels))
            dataset["path"] = "own.npz"
    for model in config["models"].values():
        for weights in (model.get("weights") or {}).values() if isinstance(model, dict) else ():
            Path(weights["path"]).parent.mkdir(parents=True, exist_ok=True)
            Path(weights["path"]).touch()
    complete(config)


def test_there_are_overlays_to_check():
    assert OVERLAYS


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seeds", [0, 4294967295]),
        ("epochs", 1),
        ("machine", {"device": "mps", "mirrors": {"mnist": ["http://127.0.0.1:8000/mnist"]}}),
        ("recipes/he2015/milestones", [182]),
        ("recipes/he2015/lr", 1),
        ("models/mha/attention/options", {"heads": 16}),
        ("models/baseline/depth", 110),
        ("tables", {}),
        ("figures", {}),
        ("gradcam", {}),
        ("gradcam/cifar10/images", [9999]),
        ("tables/table3/caption", "50% of $x_1$ & more; quotes ' and \" are text"),
        ("models/a.b_c-1", {"label": "x", "color": "#ABCDEF", "recipe": "he2015"}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_meant_to_be_possible_is_valid(config, path, value):
    complete(change(config, path, value))


def test_a_dataset_of_ones_own_is_valid(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_npz("own.npz", train=30, test=10, shape=(8, 9, 3))
    config["datasets"]["own"] = {
        "label": "Own",
        "source": "npz",
        "path": "own.npz",
        "sha256": "0" * 64,
        "class_names": ["no", "yes"],
        "validation_images": 28,
        "normalization": {"mean": [0, 0, 0], "std": [1, 1, 1.0]},
    }
    config["gradcam"]["own"] = {"split": "full", "models": ["baseline"], "images": [9]}
    assert complete(config)["datasets"]["own"]["path"] == "own.npz"


def test_checking_leaves_the_input_as_it_was(config):
    before = copy.deepcopy(config)
    completed = complete(config)
    assert config == before
    completed["datasets"]["cifar10"]["normalization"]["mean"][0] = 99
    completed["seeds"].append(99)
    assert config == before


def test_checking_a_broken_config_leaves_the_input_as_it_was(config):
    change(config, "models/mha/attention/options", {"heads": 3})
    before = copy.deepcopy(config)
    message(config)
    assert config == before


def test_checking_twice_changes_nothing_more(config):
    once = complete(config)
    assert complete(once) == once


# ---- defaults


def test_defaults_that_the_shipped_config_never_states_are_filled(config):
    completed = complete(config)
    assert completed["datasets"]["mnist"]["image_size"] is None
    assert completed["models"]["selfatt"]["attention"]["options"] == {}
    assert completed["models"]["mha"]["depth"] == 20
    assert completed["gradcam"]["mnist"]["style"] == {"cell": 1.7, "dpi": 150}


def test_defaults_are_not_shared_between_entries(config):
    completed = complete(config)
    completed["figures"]["figure5"]["style"]["dpi"] = 1
    completed["models"]["selfatt"]["attention"]["options"]["x"] = 1
    assert completed["figures"]["figure6"]["style"]["dpi"] == 150
    assert complete(config)["figures"]["figure5"]["style"]["dpi"] == 150
    assert complete(config)["models"]["selfatt"]["attention"]["options"] == {}


def test_early_stopping_gets_its_threshold(config):
    config = {key: config[key] for key in ("seeds", "datasets", "recipes", "models")}
    completed = complete(change(config, "recipes/he2015/early_stopping", {"patience": 5}))
    assert completed["recipes"]["he2015"]["early_stopping"] == {"patience": 5, "threshold": 0.001}


# ---- null


@pytest.mark.parametrize("section", NAMED)
def test_null_takes_a_named_entry_away(config, section):
    config[section]["extra"] = None
    assert complete(config)[section].keys() == config[section].keys() - {"extra"}


def test_null_for_an_entry_that_is_needed_names_who_needs_it(config):
    config["recipes"]["he2015"] = None
    assert "models.baseline.recipe" in message(config)


@pytest.mark.parametrize(
    ("overlay", "gone"),
    [
        ("recipes: {he2015: {optimizer: adam, momentum: null}}", "recipes/he2015/momentum"),
        (
            "models: {mha: {attention: {block: cbam, options: {heads: null, reduction: 8}}}}\n"
            "instruments: {attention-weights: null, attention-maps: null}",
            "models/mha/attention/options/heads",
        ),
        ("tables: {table3: {published: {mnist: null}}}", "tables/table3/published/mnist"),
        ("tables: {table3: {published: {mnist: {mha: null}}}}", "tables/table3/published/mnist/mha"),
        ("tables: {table3: {reference: null}}", "tables/table3/reference"),
        ("machine: {mirrors: {mnist: null}}", "machine/mirrors/mnist"),
    ],
    ids=lambda value: value if "/" in value else "null",
)
def test_null_takes_an_entry_of_any_map_away_as_config_yaml_says(overlay, gone, tmp_path):
    """An overlay that turns a recipe to Adam, or a model to another block, has to get rid of a key."""
    (tmp_path / "overlay.yaml").write_text(overlay, encoding="utf-8")
    node = complete(load(ROOT / "config.yaml", tmp_path / "overlay.yaml"))
    *parents, last = gone.split("/")
    for part in parents:
        node = node[part]
    assert last not in node


@pytest.mark.parametrize("path", ["epochs", "datasets/cifar10/normalization", "models/selfatt-unweighted/attention"])
def test_null_where_null_has_a_meaning_keeps_it(config, path):
    completed = complete(change(config, path, None))
    for part in path.split("/"):
        completed = completed[part]
    assert completed is None


# ---- broken configs

CLAIM, CLAIM_KEY = "tables/claims/claims/01-selfatt-cifar10", "tables.claims.claims.01-selfatt-cifar10"
BROKEN = [
    # addresses
    ("machine/mirrors", {"mnist": ["ftp://x"]}, "machine.mirrors.mnist[0]", "ftp://x"),
    ("machine/mirrors", {"mnist": ["http://a/", "http://b:port/"]}, "machine.mirrors.mnist", "'http://b:port/'"),
    ("machine/mirrors", {"mnist": ["http://b:99999/"]}, "machine.mirrors.mnist", "'http://b:99999/'"),
    ("machine/mirrors", {"cifar10": ["http://[::1/"]}, "machine.mirrors.cifar10", "'http://[::1/'"),
    # blocks' options
    ("models/mha/attention/options", {"head": 8}, "models.mha.attention.options", "did you mean 'heads'?"),
    ("models/selfatt/attention/options", {"heads": 8}, "models.selfatt.attention.options", "unknown key 'heads'"),
    ("models/mha/attention/options", {"head": None}, "models.mha.attention.options", "did you mean 'heads'?"),
    ("models/mha/attention/options", {None: None}, "models.mha.attention.options", "unknown key 'None'"),
    ("models/mha/attention/options", {"heads": 3}, "models.mha.attention.options.heads", "3 does not divide the 16"),
    ("models/mha/attention/options", {"heads": 32}, "models.mha.attention.options.heads", "does not divide the 16"),
    ("models/mha/attention/options", {"heads": 0}, "models.mha.attention.options.heads", "0"),
    ("models/mha/attention/options", {"heads": "8"}, "models.mha.attention.options.heads", "a whole number"),
    ("models/mha/attention/options", {"heads": 8.0}, "models.mha.attention.options.heads", "a whole number"),
    ("models/cbam-8/attention/options", {"reduction": True}, "models.cbam-8.attention.options.reduction", "True"),
    ("models/cbam-8/attention/options", [8], "models.cbam-8.attention.options", "a map is expected"),
    # keys that do not go together
    ("models/baseline/depth", 18, "models.baseline.depth", "18 is not 6n+2"),
    ("models/baseline/depth", 2, "models.baseline.depth", "2"),
    ("recipes/he2015/milestones", [136, 91], "recipes.he2015.milestones", "must ascend"),
    ("recipes/he2015/milestones", [91, 183], "recipes.he2015.milestones", "183 lies past the last epoch, 182"),
    ("recipes/adam-cbam/momentum", 0.9, "recipes.adam-cbam.momentum", "only for optimizer: sgd"),
    ("datasets/cifar10/validation_images", 0, "tables.table2.split", "datasets.cifar10.validation_images above 0"),
    ("recipes/he2015/early_stopping", {"patience": 9}, "tables.table3.split", "models.baseline stops early"),
    ("recipes/he2015/early_stopping", {"patience": 9}, "figures.figure1.split", "models.baseline stops early"),
    ("recipes/he2015/early_stopping", {"patience": 9}, "gradcam.cifar10.split", "models.baseline stops early"),
    ("figures/figure1/curves", ["validation_error"], "figures.figure1.curves", "'full' has no validation_error"),
    ("figures/figure6/curves", ["test_loss"], "figures.figure6.curves", "'tune' has no test_loss"),
    ("figures/figure1/curves", ["train_error", "test_loss"], "figures.figure1.panels", "cannot share an axis"),
    ("figures/figure6/panels", "model", "figures.figure6.panels", "cannot share an axis"),
    ("gradcam/mnist/images", [0, 10_000], "gradcam.mnist.images", "10000 lies beyond the 10000 test images"),
    ("gradcam/mnist/images", [-1], "gradcam.mnist.images[0]", "-1"),
    ("datasets/mnist/normalization", {"mean": [0, 0, 0], "std": [1]}, "datasets.mnist.normalization.mean", "3 values"),
    ("datasets/cifar10/normalization/std", [0.2], "datasets.cifar10.normalization.std", "1 values for images of 3"),
    ("datasets/mnist/path", "mnist.npz", "datasets.mnist.path", "not possible with source: mnist"),
    ("datasets/mnist/sha256", "0" * 64, "datasets.mnist.sha256", "not possible with source: mnist"),
    ("datasets/mnist/class_names", ["a", "b"], "datasets.mnist.class_names", "not possible with source: mnist"),
    ("datasets/cifar10/path", "x.npz", "datasets.cifar10.path", "not possible with source: cifar10"),
    ("tables/table3/reference", "cbam-32", "tables.table3.reference", "is not one of the table's models"),
    ("tables/table1/datasets", ["cifar10"], "tables.table1.datasets", "not possible with kind: recipes"),
    ("tables/table1/split", "full", "tables.table1.split", "not possible with kind: recipes"),
    ("tables/table1/reference", "mha", "tables.table1.reference", "not possible with kind: recipes"),
    ("tables/table3/models", REMOVED, "tables.table3", "'models' missing"),
    ("tables/attention/models", ["baseline"], "tables.attention.models", "'baseline' has no attention"),
    ("tables/attention/reference", "mha", "tables.attention.reference", "not possible with kind: attention"),
    ("tables/attention/published/mnist/mha/gates", [1, 2], "tables.attention.published.mnist.mha.gates", "3"),
    ("tables/claims/models", ["mha"], "tables.claims.models", "not possible with kind: claims"),
    ("tables/claims/claims", {}, "tables.claims.claims", "at least 1 needed"),
    ("tables/claims/published", {"mnist": 1}, "tables.claims.published", "each of which has its own"),
    (f"{CLAIM}/measure", "speed", f"{CLAIM_KEY}.measure", "accuracy, early_error"),
    (f"{CLAIM}/model", "mhaa", f"{CLAIM_KEY}.model", "did you mean 'mha'?"),
    (f"{CLAIM}/than", "selfatt", f"{CLAIM_KEY}.than", "the same model"),
    (f"{CLAIM}/dataset", "mnits", f"{CLAIM_KEY}.dataset", "did you mean 'mnist'?"),
    (f"{CLAIM}/split", REMOVED, CLAIM_KEY, "'split' missing"),
    (f"{CLAIM}/epochs", 3, f"{CLAIM_KEY}.epochs", "with measure: early_error only"),
    (f"{CLAIM}/measure", "early_error", CLAIM_KEY, "'epochs' missing"),
    ("tables/claims/claims/11-cbam-parameters/within", 3, "tables.claims.claims.11-cbam-parameters.within", "accuracy"),
    ("tables/table3/claims", {}, "tables.table3.claims", "not possible with kind: accuracy"),
    ("datasets/mnist/epochs", 0, "datasets.mnist.epochs", "0"),
]


@pytest.mark.parametrize(
    ("path", "value", "key", "text"),
    [pytest.param(*case, id=f"{case[0]}={'' if case[1] is REMOVED else case[1]}"[:50].strip()) for case in BROKEN],
)
def test_a_broken_config_names_the_key_and_the_problem(config, path, value, key, text):
    problems = message(change(config, path, value)).splitlines()
    assert any(line.strip().startswith(f"{key}:") and text in line for line in problems[1:]), problems


@pytest.mark.parametrize(
    ("source", "images"), [("cifar10", 50_000), ("mnist", 60_000), ("svhn", 73_257), ("digits", 1437)]
)
def test_validation_images_that_leave_none_to_train_on_are_refused_for_every_source(config, source, images):
    """The training images of these sources are as well known as their test images."""
    config["datasets"]["other"] = {"label": "Other", "source": source, "validation_images": images}
    assert "datasets.other.validation_images" in message(config)


@pytest.mark.parametrize("key", ["results", "machine/downloads"])
def test_a_home_folder_is_expanded_or_refused(config, key):
    """The shell of a rule would expand ``~``, Python's open() would not: one config, two folders."""
    try:
        completed = complete(change(config, key, "~/folder"))
    except ConfigError:
        return
    for part in key.split("/"):
        completed = completed[part]
    assert not completed.startswith("~")


@pytest.mark.parametrize(
    ("entry", "key", "text"),
    [
        ({"path": REMOVED}, "path", "missing"),
        ({"path": "absent.npz"}, "path", "absent.npz: no such file"),
        ({"path": "text.npz"}, "path", "not a whole .npz"),
        ({"path": "float.npz"}, "path", "x_train is float64, uint8"),
        ({"path": "objects.npz"}, "path", "pickled objects"),
        ({"path": "lacks.npz"}, "path", "no array 'y_test'"),
        ({"validation_images": 30}, "validation_images", "30 leaves none of 30 images"),
        ({"normalization": {"mean": [0, 0, 0], "std": [1]}}, "normalization.mean", "3 values for images of 1 channel"),
        ({"normalization": {"mean": [0], "std": [1, 1]}}, "normalization.std", "2 values for images of 1 channel"),
        ({"sha256": "abc"}, "sha256", "'abc'"),
        ({"class_names": ["one"]}, "class_names", "at least 2 needed"),
        ({"class_names": ["a", "a"]}, "class_names", "twice"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_broken_dataset_of_ones_own_names_the_key_and_the_problem(config, tmp_path, monkeypatch, entry, key, text):
    monkeypatch.chdir(tmp_path)
    write_npz("own.npz", train=30, test=10)
    write_npz("float.npz", x_train=np.zeros((30, 8, 8)))
    write_npz("objects.npz", y_train=np.array([{}] * 30, dtype=object))
    np.savez("lacks.npz", x_train=np.zeros((1, 8, 8), np.uint8), y_train=[0], x_test=np.zeros((1, 8, 8), np.uint8))
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    dataset = {"label": "Own", "source": "npz", "path": "own.npz"} | entry
    config["datasets"]["own"] = {name: value for name, value in dataset.items() if value is not REMOVED}
    problems = message(config).splitlines()
    assert any(line.strip().startswith(f"datasets.own.{key}:") and text in line for line in problems[1:]), problems


def test_gradcam_beyond_the_test_images_of_ones_own_dataset_is_refused(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_npz("own.npz", test=10)
    config["datasets"]["own"] = {"label": "Own", "source": "npz", "path": "own.npz"}
    config["gradcam"]["own"] = {"split": "full", "models": ["baseline"], "images": [3, 10]}
    assert "gradcam.own.images: 10 lies beyond the 10 test images, 0 to 9" in message(config)


def test_gradcam_of_a_dataset_whose_file_is_missing_reports_the_dataset_only(config):
    config["datasets"]["own"] = {"label": "Own", "source": "npz", "path": "absent.npz"}
    config["gradcam"]["own"] = {"split": "full", "models": ["baseline"], "images": [3]}
    text = message(config)
    assert "datasets.own.path" in text
    assert "gradcam.own" not in text


def test_all_problems_of_one_kind_are_reported_at_once(config):
    change(config, "recipes/he2015/lr", "fast")
    change(config, "models/baseline/color", "red")
    text = message(config)
    assert "recipes.he2015.lr" in text
    assert "models.baseline.color" in text


# ---- files


def write(folder, **texts):
    """YAML files by name; returns their paths in order."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return [folder / f"{name}.yaml" for name in texts]


def test_loading_merges_maps_by_key_and_replaces_lists_and_scalars(tmp_path):
    files = write(
        tmp_path,
        base="{a: 1, list: [1, 2], map: {x: 1, deep: {y: 1, z: 1}}, gone: {k: 1}, turned: 5}",
        first="{list: [3], map: {deep: {y: 2}}, gone: null}",
        second="{a: 2, map: {deep: {w: 4}, x: null}, turned: {m: 1}, new: {n: [1]}}",
    )
    assert load(*files) == {
        "a": 2,
        "list": [3],
        "map": {"x": None, "deep": {"y": 2, "z": 1, "w": 4}},
        "gone": None,
        "turned": {"m": 1},
        "new": {"n": [1]},
    }


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_loading_merges_as_snakemake_does(overlay):
    utils = pytest.importorskip("snakemake.utils")
    merged = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    utils.update_config(merged, yaml.safe_load(overlay.read_text(encoding="utf-8")))
    assert load(ROOT / "config.yaml", overlay) == merged


def test_loaded_values_are_not_shared_between_keys(tmp_path):
    """A YAML alias makes two keys one object."""
    loaded = load(*write(tmp_path, base="{a: {list: &l [1]}, b: {list: *l}}", over="{b: {other: 1}}"))
    loaded["a"]["list"].append(2)
    assert loaded["b"] == {"list": [1], "other": 1}


def test_loading_nothing_gives_an_empty_config():
    assert load() == {}


# ---- the shipped files


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_every_overlay_says_how_it_is_used(overlay):
    """Its opening comment shows the command line."""
    opening = re.match(r"(#.*\n)*", overlay.read_text(encoding="utf-8")).group()
    assert f"--configfile configs/{overlay.name}" in opening


def test_both_studies_under_one_recipe_have_the_same():
    recipes = [
        yaml.safe_load((ROOT / f"configs/{name}.yaml").read_text(encoding="utf-8"))["recipes"]
        for name in ("controlled", "epochs")
    ]
    assert recipes[0] == recipes[1]


def imported_by(code: str) -> set[str]:
    """Top-level modules in memory after running ``code`` in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_checking_a_config_does_not_import_torch():
    code = (
        "import cnntention.study.config\n"
        "from cnntention.study.study import Study\n"
        "Study(cnntention.study.config.load('config.yaml')).runs()"
    )
    modules = imported_by(code)
    assert "jsonschema" in modules
    assert not modules & {"torch", "torchvision", "scipy", "matplotlib", "sklearn"}


def test_reading_the_snakefile_does_not_import_torch():
    """Every import of this package in the Snakefile and its rules, and what a dry run calls."""
    files = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
    statement = re.compile(r"^\s*((?:from cnntention\S* import .+)|(?:import cnntention.*))$", re.MULTILINE)
    statements = [line for file in files for line in statement.findall(file.read_text(encoding="utf-8"))]
    assert statements
    modules = imported_by("\n".join([*statements, "closure('workflow_scripts/train.py')"]))
    assert "cnntention" in modules
    assert not modules & {"torch", "torchvision", "scipy", "matplotlib", "sklearn"}


# ---- the config that overlays go over


def test_a_config_in_the_working_directory_comes_first(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text("seeds: [1]", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load(base_config()) == {"seeds": [1]}


def test_elsewhere_the_repositorys_own_is_taken(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(base_config()) == config


def test_far_from_any_repository_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cnntention.study.config.ROOT", tmp_path)
    with pytest.raises(ConfigError, match=r"config\.yaml: No such file in .*; run this in the repository, or beside"):
        base_config()
