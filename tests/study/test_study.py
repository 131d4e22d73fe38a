"""The study: which runs a config asks for, what each step depends on, and where its files lie."""

import collections
import copy
import hashlib
import json
import random

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from cnntention.base import layout
from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.base.specs import canonical, digest, plain, read
from cnntention.data.specs import DataSpec
from cnntention.instruments.specs import InstrumentSpec
from cnntention.reporting import figures, tables
from cnntention.reporting.grid import GridSpec
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.overview import OverviewSpec
from cnntention.study.config import load
from cnntention.study.study import Study


@pytest.fixture
def study(config) -> Study:
    return Study(config)


def overlaid(config: dict, path: str, value) -> Study:
    """A study of the config with the entry at ``a/b/c`` set."""
    config = copy.deepcopy(config)
    *parents, last = path.split("/")
    node = config
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
    return Study(config)


def keys_of(value) -> set[str]:
    """All keys of nested maps."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set()


# ---- runs


def test_the_whole_study_has_45_runs(study):
    runs = study.runs()
    assert len(runs) == len(set(runs)) == 45
    assert len(study.tables.runs("table3")) == 24  # 4 models x 2 datasets x 3 seeds
    assert len(study.tables.runs("table2")) == 9  # 3 reductions x 3 seeds
    assert len(study.figures.runs("figure5")) == 6
    assert len(study.figures.runs("figure6")) == 6


def test_a_run_starts_from_one_on_the_same_images_and_seed_and_depends_on_all_that_made_it(config):
    frozen = config["models"]["mha"] | {"label": "Frozen", "start": {"model": "baseline", "train": "attention"}}
    config["models"]["frozen"] = frozen
    config["tables"]["table3"]["models"] = ["frozen", "selfatt"]
    config["tables"]["table3"]["reference"] = "selfatt"
    before = Study(config)
    run, start = Run("mnist", "frozen", "full", 11), Run("mnist", "baseline", "full", 11)
    assert before.start(run) == start
    assert before.start(start) is None
    order = before.trainings()
    assert order.index(start) < order.index(run)
    assert set(order) - {before.start(each) for each in order} <= set(before.runs())
    spec = before.training_spec(run)
    assert spec.start.digest == digest(before.run_spec(start))
    after = overlaid(config, "recipes/he2015/lr", 0.05)
    assert after.training_spec(run) != spec


def test_the_runs_by_dataset_split_and_model(study):
    counts = collections.Counter((run.dataset, run.split, run.model) for run in study.runs())
    four = ("baseline", "selfatt", "mha", "cbam-16")
    expected = {(dataset, "full", model): 3 for dataset in ("cifar10", "mnist") for model in four}
    expected |= {("cifar10", "tune", f"cbam-{reduction}"): 3 for reduction in (8, 16, 32)}
    expected |= {("cifar10", "full", f"selfatt-{kind}"): 3 for kind in ("residual", "no-residual")}
    expected |= {("cifar10", "tune", model): 3 for model in ("selfatt", "selfatt-unweighted")}
    assert counts == expected
    assert {run.seed for run in study.runs()} == {10, 11, 12}


def test_runs_that_several_products_ask_for_are_made_once(study):
    assert set(study.figures.runs("figure1")) <= set(study.tables.runs("table3"))
    assert set(study.figures.runs("figure8")) <= set(study.tables.runs("table3"))
    for dataset in ("cifar10", "mnist"):
        assert set(study.gradcam.runs(dataset)) <= set(study.tables.runs("table3"))


def test_a_table_of_recipes_needs_no_run(study):
    assert study.tables.runs("table1") == []


def test_a_grid_needs_one_run_of_each_model_from_the_first_seed(config):
    config["seeds"] = [12, 10]
    assert Study(config).gradcam.runs("mnist") == [
        Run("mnist", model, "full", 12) for model in ("baseline", "selfatt", "mha", "cbam-16")
    ]


@pytest.mark.parametrize("section", ["tables", "figures", "gradcam"])
def test_without_products_of_a_section_the_other_runs_stay(config, section):
    config[section] = {}
    runs = Study(config).runs()
    # without tables: Figs. 5, 6, the four models on both datasets, seed by seed, and CBAM's weights by reduction ratio
    # without figures: the claims rest on the same runs
    assert len(runs) == {"tables": 6 + 6 + 24 + 9, "figures": 45, "gradcam": 45}[section]


def test_without_any_product_there_is_no_run(config):
    config |= {"tables": {}, "figures": {}, "gradcam": {}, "instruments": {}}
    assert Study(config).runs() == []


def test_the_demo_has_9_runs_of_each_seed_on_the_digits():
    runs = Study(load(ROOT / "config.yaml", ROOT / "configs" / "demo.yaml")).runs()
    assert collections.Counter((run.dataset, run.seed) for run in runs) == {
        ("digits", seed): 9 for seed in (10, 11, 12)
    }


def test_a_broken_config_is_no_study(config):
    del config["seeds"]
    with pytest.raises(ConfigError, match="seeds"):
        Study(config)


def test_a_run_is_named_as_its_folder(study):
    run = Run("mnist", "cbam-16", "tune", 11)
    assert str(run) == "mnist/cbam-16/tune/seed11"
    assert study.run_path(layout.MODEL, run) == f"results/runs/{run}/model.pt"
    assert study.run_path(layout.PREDICTIONS, run) == f"results/runs/{run}/predictions.npz"


def test_no_two_files_of_the_study_share_a_path(study):
    patterns = (layout.MODEL, layout.HISTORY, layout.EVAL, layout.PREDICTIONS)
    paths = [study.run_path(pattern, run) for run in study.runs() for pattern in patterns]
    paths += [study.path(layout.OVERVIEW)]
    paths += [
        study.path(pattern, dataset=name) for name in ("cifar10", "mnist") for pattern in (layout.DATA, layout.CARD)
    ]
    for section in study.sections:
        paths += section.products()
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize(("results", "folder"), [("out", "out"), ("out/", "out"), ("/a/b//", "/a/b"), ("../x", "../x")])
def test_all_paths_lie_below_the_results_folder(config, results, folder):
    config["results"] = results
    study = Study(config)
    assert study.path(layout.DATA, dataset="mnist") == f"{folder}/data/mnist.npz"
    for section in study.sections:
        assert section.products()
        assert all(path.startswith(f"{folder}/{section.key}/") for path in section.products())


def test_the_products(study):
    assert study.tables.products() == [
        f"results/tables/{name}{suffix}"
        for name in ("table1", "table2", "table3", "attention", "cost", "robustness", "claims")
        for suffix in (".md", ".csv", ".tex", ".html", ".json")
    ]
    assert study.figures.products() == [
        f"results/figures/{name}{suffix}"
        for name in (
            *("figure2", "figure7", "figure1", "figure5", "figure6", "figure8"),
            *("seeds", "attention-by-epoch", "cost"),
        )
        for suffix in (".png", ".svg")
    ]
    assert study.gradcam.products() == [
        "results/gradcam/cifar10.png",
        "results/gradcam/cifar10.json",
        "results/gradcam/mnist.png",
        "results/gradcam/mnist.json",
    ]


@pytest.mark.parametrize(
    ("model", "file"),
    [("baseline", None), ("selfatt-no-residual", "selfatt"), ("mha", "mha"), ("cbam-32", "cbam")],
)
def test_the_source_file_of_a_models_attention(study, model, file):
    files = study.attention_files(model)
    assert f"cnntention/attention/{file}.py" in files if file else not files


def test_mirrors_go_by_the_source_of_a_dataset(config):
    config["machine"]["mirrors"] = {"mnist": ["http://a/", "http://b/"]}
    config["datasets"]["again"] = {"label": "MNIST again", "source": "mnist"}
    config["datasets"]["digits"] = {"label": "Digits", "source": "digits"}
    study = Study(config)
    assert study.mirrors("mnist") == study.mirrors("again") == ["http://a/", "http://b/"]
    assert study.mirrors("cifar10") == study.mirrors("digits") == []


# ---- canonical specs


def shuffled(value, random_):
    """The same value with the keys of every map in another order."""
    if isinstance(value, dict):
        keys = list(value)
        while len(keys) > 1 and keys == list(value):
            random_.shuffle(keys)
        return {key: shuffled(value[key], random_) for key in keys}
    if isinstance(value, list):
        return [shuffled(entry, random_) for entry in value]
    return value


def all_specs(study: Study) -> dict[str, str]:
    """Every spec of a study in canonical form, by the name of its step."""
    config = study.config
    specs = {f"data {name}": plain(study.data_spec(name)) for name in config["datasets"]}
    specs |= {f"run {run}": study.run_spec(run) for run in study.runs()}
    specs |= {f"table {name}": study.tables.spec(name) for name in config["tables"]}
    specs |= {f"figure {name}": study.figures.spec(name) for name in config["figures"]}
    specs |= {f"grid {name}": study.gradcam.spec(name) for name in config["gradcam"]}
    specs |= {"overview": study.overview_spec()}
    return {name: canonical(spec) for name, spec in specs.items()}


def test_canonical_does_not_depend_on_the_order_of_keys():
    value = {"b": {"y": [{"d": 1, "c": {"z": 1, "a": 2}}], "x": None}, "a": 1.5}
    other = {"a": 1.5, "b": {"x": None, "y": [{"c": {"a": 2, "z": 1}, "d": 1}]}}
    assert list(value) != list(other)
    assert canonical(value) == canonical(other)


@pytest.mark.parametrize(
    "other",
    [
        {"a": 2, "b": {"c": 1, "d": [1, 2]}},
        {"a": 1, "b": {"c": 2, "d": [2, 1]}},
        {"a": 1, "b": {"d": 2, "c": [1, 2]}},
        {"a": 1, "b": {"c": "2", "d": [1, 2]}},
        {"a": 1, "b": {"c": None, "d": [1, 2]}},
        {"a": True, "b": {"c": 2, "d": [1, 2]}},
        {"a": 1, "c": 2, "b": {"d": [1, 2]}},
    ],
    ids=str,
)
def test_canonical_differs_for_other_values(other):
    assert canonical(other) != canonical({"a": 1, "b": {"c": 2, "d": [1, 2]}})


def test_a_digest_follows_the_canonical_text():
    """Of sixteen hexadecimal digits, the first of the text's SHA-256."""
    value = {"b": 1, "a": "é"}
    assert digest(value) == hashlib.sha256('{"a": "é", "b": 1}'.encode()).hexdigest()[:16]
    assert digest(value) == digest({"a": "é", "b": 1}) != digest({"a": "é", "b": 2})


def test_the_specs_of_all_products_are_read_back_from_their_json(study):
    for run in study.runs():
        assert json.loads(canonical(study.run_spec(run))) == plain(study.run_spec(run))
    for name in study.config["tables"]:
        assert tables.read_spec(canonical(study.tables.spec(name))) == study.tables.spec(name)
    for name in study.config["figures"]:
        assert figures.read_spec(canonical(study.figures.spec(name))) == study.figures.spec(name)
    for name in study.config["gradcam"]:
        assert read(GridSpec, canonical(study.gradcam.spec(name))) == study.gradcam.spec(name)
    for name in study.config["instruments"]:
        assert read(StanzaSpec, canonical(study.instruments.spec(name))) == study.instruments.spec(name)
        spec = study.instruments.measurement_spec(name)
        assert read(InstrumentSpec, canonical(spec)) == spec
    assert read(OverviewSpec, canonical(study.overview_spec())) == study.overview_spec()


@pytest.mark.parametrize("seed", range(3))
def test_no_spec_depends_on_the_order_of_keys_in_the_yaml(config, study, seed):
    assert all_specs(Study(shuffled(config, random.Random(seed)))) == all_specs(study)


def test_specs_do_not_change_the_study(study):
    before = copy.deepcopy(study.config)
    all_specs(study)
    assert study.config == before


# ---- what depends on what


def test_the_spec_of_a_run_holds_what_training_depends_on(study):
    assert plain(study.run_spec(Run("cifar10", "mha", "tune", 11))) == {
        "dataset": "cifar10",
        "model": "mha",
        "split": "tune",
        "seed": 11,
        "validation_images": 5000,
        "normalization": {
            "mean": [0.4918687901, 0.4918597647, 0.4918583862],
            "std": [0.2469712170, 0.2469696698, 0.2469719877],
        },
        "augmentation": {"flip": True, "crop_padding": 4},
        "depth": 20,
        "attention": {"block": "mha", "residual": "weighted", "options": {"heads": 8}},
        "precision": "auto",
        "recipe": {
            "optimizer": "adam",
            "lr": 5.0e-4,
            "weight_decay": 1.0e-3,
            "batch_size": 128,
            "epochs": 182,
            "milestones": [91, 115],
            "gamma": 0.1,
            "early_stopping": None,
        },
    }


def test_a_run_that_cannot_be_trained_as_it_says_has_no_spec(config):
    """Whether or not a table or figure asks for it: steps can be called for any run."""
    config["datasets"]["digits"] = {"label": "Digits", "source": "digits"}
    recipe = config["recipes"]["he2015"] | {"early_stopping": {"patience": 3}}
    config["recipes"]["stopping"] = recipe
    config["models"]["stopping"] = {"label": "S", "color": "#000000", "recipe": "stopping"}
    study = Study(config)
    with pytest.raises(ConfigError, match=r"datasets\.digits\.validation_images"):
        study.run_spec(Run("digits", "baseline", "tune", 10))
    with pytest.raises(ConfigError, match=r"models\.stopping stops early"):
        study.run_spec(Run("cifar10", "stopping", "full", 10))
    assert study.run_spec(Run("digits", "baseline", "full", 10)).validation_images == 0
    assert study.run_spec(Run("cifar10", "stopping", "tune", 10)).recipe.early_stopping.patience == 3


def test_split_full_holds_no_image_back(study):
    assert study.run_spec(Run("cifar10", "mha", "full", 11)).validation_images == 0


def test_the_spec_of_a_run_holds_no_label_colour_or_style(config):
    labelled = Study(config)
    text = "UNIQUE TEXT"
    for section in ("datasets", "models"):
        for name, entry in config[section].items():
            entry["label"] = f"{text} {name}"
    for entry in config["models"].values():
        entry |= {"color": "#123abc", "stands_for": ["mha"]} if entry is not config["models"]["mha"] else {}
    for entry in config["figures"].values():
        entry |= {"title": text, "style": {"dpi": 77}}
    for entry in config["tables"].values():
        entry["caption"] = text
    config["gradcam"]["cifar10"]["style"] = {"dpi": 77}
    relabelled = Study(config)
    for run in labelled.runs():
        spec = relabelled.run_spec(run)
        assert not keys_of(plain(spec)) & {"label", "color", "stands_for", "style", "caption", "title"}
        assert text not in canonical(spec)
        assert canonical(spec) == canonical(labelled.run_spec(run))


def is_run(*products, dataset=None, model=None, split=None):
    """A choice of runs by the names of their steps, and of the products that hold their digests."""

    def chosen(step: str) -> bool:
        kind, _, name = step.partition(" ")
        if kind != "run":
            return step in products
        parts = name.split("/")
        return all(
            wanted is None or part in wanted for wanted, part in zip((dataset, model, split), parts, strict=False)
        )

    return chosen


def only(*steps):
    return lambda step: step in steps


CBAM = ("cbam-8", "cbam-16", "cbam-32")
OF_CBAM_8 = ("table table2", "table claims")
OF_CBAM = (
    "table table1",
    *OF_CBAM_8,
    "table table3",
    "table attention",
    "table cost",
    "table robustness",
    "figure figure8",
    "figure seeds",
    "figure attention-by-epoch",
    "figure cost",
    "grid cifar10",
    "grid mnist",
)
OF_MNIST = (
    "table table3",
    "table attention",
    "table robustness",
    "table claims",
    "figure figure1",
    "figure seeds",
    "figure attention-by-epoch",
    "grid mnist",
)
OF_ALL = (*OF_CBAM, "figure figure1", "figure figure5", "figure figure6")


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("results", "elsewhere", only()),
        ("machine", {"device": "cpu", "downloads": "d", "mirrors": {"mnist": ["http://a/"]}}, only()),
        ("recipes/adam-cbam/lr", 1, is_run(*OF_CBAM, model=CBAM)),
        (
            "recipes/adam-residual/gamma",
            0.5,
            is_run("table claims", "figure figure5", model=("selfatt-residual", "selfatt-no-residual")),
        ),
        ("models/cbam-8/attention/options/reduction", 4, is_run(*OF_CBAM_8, model=("cbam-8",))),
        ("models/cbam-8/attention/residual", "none", is_run(*OF_CBAM_8, model=("cbam-8",))),
        ("models/cbam-8/depth", 32, is_run(*OF_CBAM_8, model=("cbam-8",))),
        ("models/cbam-8/widths", [8, 16, 32], is_run(*OF_CBAM_8, model=("cbam-8",))),
        (
            "datasets/cifar10/validation_images",
            4000,
            is_run(*OF_CBAM_8, "figure figure6", dataset=("cifar10",), split=("tune",)),
        ),
        ("datasets/mnist/validation_images", 4000, only()),
        ("datasets/mnist/normalization", {"mean": [0.1], "std": [0.3]}, is_run(*OF_MNIST, dataset=("mnist",))),
        ("datasets/mnist/augmentation/crop_padding", 0, is_run(*OF_MNIST, dataset=("mnist",))),
        ("datasets/mnist/image_size", 32, only("data mnist")),
        ("models/cbam-8/label", "X", only("table table2", "table claims")),
        ("models/cbam-8/color", "#000000", only()),
        (
            "datasets/mnist/label",
            "X",
            only(*OF_MNIST),
        ),
        ("figures/figure5/style", {"dpi": 77}, only("figure figure5")),
        ("figures/figure5/title", "X", only("figure figure5")),
        ("gradcam/mnist/style", {"dpi": 77}, only("grid mnist")),
        ("gradcam/mnist/images", [1], only("grid mnist")),
        ("tables/table2/caption", "X", only("table table2")),
        ("tables/table3/published/mnist/mha", {"accuracy": 1}, only("table table3", "figure seeds")),
        ("tables/table2/reference", "cbam-8", only("table table2")),
        ("tables/claims/claims/01-selfatt-cifar10/published", [1, 2], only("table claims")),
        ("epochs", 12, is_run(*OF_ALL)),
        ("datasets/mnist/lr_factor", 0.5, is_run(*OF_MNIST, "table table1", dataset=("mnist",))),
        ("datasets/mnist/epochs", 12, is_run(*OF_MNIST, "table table1", dataset=("mnist",))),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_change_reaches_the_specs_that_depend_on_it_and_no_other(config, study, path, value, changed):
    before, after = all_specs(study), all_specs(overlaid(config, path, value))
    assert before.keys() == after.keys()
    expected = {step for step in before if changed(step)}
    if expected & {"table table2", "table table3"}:
        expected.add("overview")
    assert {step for step in before if before[step] != after[step]} == expected


def test_another_seed_adds_runs_and_changes_none(config, study):
    before, after = all_specs(study), all_specs(overlaid(config, "seeds", [10, 11, 12, 13]))
    runs = {step for step in before if step.startswith("run ")}
    assert all(before[step] == after[step] for step in runs)
    added = after.keys() - before.keys()
    assert len(added) == 15
    assert all(step.endswith("/seed13") for step in added)
    assert before["grid mnist"] == after["grid mnist"]
    assert before["table table1"] == after["table table1"]
    assert before["table table2"] != after["table table2"]


def test_published_values_of_datasets_that_a_table_leaves_out_do_not_count(config):
    config["tables"]["table3"]["datasets"] = ["cifar10"]
    spec = Study(config).tables.spec("table3")
    assert set(spec.published) == {"cifar10"}
    assert [dataset.name for dataset in spec.datasets] == ["cifar10"]


def test_specs_hold_the_digest_of_each_of_their_runs(study):
    """By which results of another config are told."""
    pairs = [(study.tables.spec(name), study.tables.runs(name)) for name in study.config["tables"]]
    pairs += [(study.figures.spec(name), study.figures.runs(name)) for name in study.config["figures"]]
    pairs += [(study.gradcam.spec(name), study.gradcam.runs(name)) for name in study.config["gradcam"]]
    for spec, runs in pairs:
        assert spec.runs == {str(run): digest(study.run_spec(run)) for run in runs}
    assert study.gradcam.spec("mnist").runs.keys() == {
        f"mnist/{model}/full/seed10" for model in ("baseline", "selfatt", "mha", "cbam-16")
    }


def test_the_spec_of_the_overview(study):
    spec = study.overview_spec()
    assert spec.trainings == 45
    assert spec.datasets == ("CIFAR-10", "MNIST")
    assert len(spec.models) == 9
    assert spec.tables == (study.tables.spec("table2"), study.tables.spec("table3"))


def test_the_overview_rests_on_the_files_of_all_tables_each_once(config, study):
    # three models of table 2; four of table 3 on two datasets; three seeds; three files
    assert len(study.overview_files()) == len(set(study.overview_files())) == (3 + 4 * 2) * 3 * 3
    config["tables"]["again"] = config["tables"]["table3"]
    assert Study(config).overview_files() == study.overview_files()


# ---- data


@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_data_depend_on_source_and_size_alone(study, name):
    assert study.data_spec(name) == DataSpec(name, None, {})


def test_data_of_ones_own_depend_on_path_checksum_and_names(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images, labels = np.zeros((4, 8, 8), np.uint8), np.array([0, 1, 0, 1])
    np.savez("own.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    own = {"path": "own.npz", "sha256": "0" * 64, "class_names": ["a", "b"]}
    rest = {"label": "Own", "validation_images": 1, "augmentation": {"flip": True}}
    config["datasets"]["own"] = {"source": "npz", "image_size": 16} | own | rest
    study = Study(config)
    assert study.data_spec("own") == DataSpec("npz", 16, own)
    assert study.own_files("own") == ("own.npz",)


def test_data_in_folders_depend_on_every_picture_and_may_have_validation_images_of_their_own(config, tmp_path):
    paths = [
        tmp_path / "leaves" / part / name / "1.png" for part in ("train", "test", "val") for name in ("oak", "lime")
    ]
    for path in paths:
        path.parent.mkdir(parents=True)
        Image.new("L", (8, 8)).save(path)
    own = {"label": "Leaves", "source": "imagefolder", "path": str(tmp_path / "leaves")}
    config["datasets"]["leaves"] = own | {"image_size": 16, "channels": 3, "validation_images": 2}
    study = Study(config)
    assert study.data_spec("leaves") == DataSpec("imagefolder", 16, {"path": own["path"], "channels": 3})
    assert sorted(study.own_files("leaves")) == sorted(map(str, paths))
    config["datasets"]["leaves"]["validation_images"] = 1
    with pytest.raises(ConfigError, match=r"datasets\.leaves\.validation_images: 2 pictures .* only 2 is"):
        Study(config)


@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_data_of_a_source_depend_on_its_file_of_code(study, name):
    assert study.source_file(name) == f"cnntention/data/sources/{name}.py"
    assert study.own_files(name) == ()


# ---- epochs


@pytest.mark.parametrize(
    ("epochs", "milestones"),
    # by hand, rounded up: 91/182 = 1/2, 136/182 = 0.747, 115/182 = 0.632, 45/182 = 0.247
    [
        (12, {"he2015": [6, 9], "adam-attention": [6, 8], "adam-cbam": [3, 6, 9], "adam-residual": [6, 9]}),
        (91 * 4, {"he2015": [182, 272], "adam-attention": [182, 230], "adam-cbam": [90, 182, 272]}),
        (100, {"he2015": [50, 75], "adam-attention": [50, 64], "adam-cbam": [25, 50, 75]}),
        (2, {"he2015": [1, 2], "adam-attention": [1, 2], "adam-cbam": [1, 1, 2]}),
        (1, {"he2015": [1, 1], "adam-attention": [1, 1], "adam-cbam": [1, 1, 1]}),
        (182, {"he2015": [91, 136], "adam-attention": [91, 115], "adam-cbam": [45, 91, 136]}),
        (None, {"he2015": [91, 136], "adam-attention": [91, 115], "adam-cbam": [45, 91, 136]}),
    ],
)
def test_epochs_shorten_every_recipe_and_scale_its_milestones(config, epochs, milestones):
    config["epochs"] = epochs
    study = Study(config)
    for name, model in (("he2015", "baseline"), ("adam-attention", "mha"), ("adam-cbam", "cbam-32")):
        recipe = study.recipe(model)
        assert recipe["epochs"] == (epochs or 182)
        assert recipe["milestones"] == milestones[name]
        untouched = recipe.keys() - {"epochs", "milestones"}
        assert {key: recipe[key] for key in untouched} == {key: study.config["recipes"][name][key] for key in untouched}


def test_a_datasets_own_epochs_come_before_those_of_the_config(config):
    config["epochs"] = 100
    config["datasets"]["mnist"]["epochs"] = 12
    study = Study(config)
    of_mnist, of_cifar10 = (plain(study.run_spec(Run(name, "mha", "full", 10)).recipe) for name in ("mnist", "cifar10"))
    assert (of_mnist["epochs"], of_mnist["milestones"]) == (12, [6, 8])
    assert (of_cifar10["epochs"], of_cifar10["milestones"]) == (100, [50, 64])
    assert study.recipe("mha")["epochs"] == 100


def test_a_claim_knows_how_short_its_runs_are(config):
    config["datasets"]["mnist"]["epochs"] = 12
    claims = {claim.name: claim for claim in Study(config).tables.spec("claims").claims}
    assert (claims["04-selfatt-mnist"].trained, claims["04-selfatt-mnist"].schedule) == (12, 182)
    assert (claims["01-selfatt-cifar10"].trained, claims["01-selfatt-cifar10"].schedule) == (182, 182)
    assert list(claims) == sorted(claims)


@pytest.mark.parametrize(("recipe", "epochs"), [("he2015", 100), ("adam-attention", 150)])
def test_of_two_schedules_a_claim_goes_by_the_shorter(config, recipe, epochs):
    """Whichever side has it: that of the baseline, or that of SelfAtt."""
    config["recipes"][recipe] |= {"epochs": epochs, "milestones": []}
    claim = Study(config).tables.spec("claims").claims[0]
    assert (claim.model.name, claim.than.name) == ("selfatt", "baseline")
    assert (claim.trained, claim.schedule) == (epochs, epochs)


def test_a_table_of_claims_rests_on_predictions_and_curves_too(study):
    run = Run("cifar10", "mha", "full", 10)
    files = {study.run_path(pattern, run) for pattern in (layout.EVAL, layout.PREDICTIONS, layout.HISTORY)}
    assert files <= set(study.tables.files("claims"))
    assert files <= set(study.tables.files("table3"))
    assert set(study.tables.files("attention")) & files == {study.run_path(layout.EVAL, run)}


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 7, 13, 90, 91, 92, 181, 183, 1000])
def test_scaled_milestones_ascend_and_lie_within_the_epochs(config, epochs):
    config["epochs"] = epochs
    study = Study(config)
    for model in ("baseline", "mha", "cbam-8", "selfatt-residual"):
        milestones = study.recipe(model)["milestones"]
        assert milestones == sorted(milestones)
        assert all(1 <= milestone <= epochs for milestone in milestones)


def test_a_recipe_without_milestones_stays_without(config):
    config["recipes"]["he2015"]["milestones"] = []
    config["epochs"] = 7
    assert Study(config).recipe("baseline")["milestones"] == []


def test_the_export_looks_for_every_run_and_every_product(config):
    study = Study(config)
    spec = study.export_spec()
    assert spec.results == "results"
    assert spec.runs == {str(run): digest(study.run_spec(run)) for run in study.runs()}
    assert {"results/tables/table3.tex", "results/figures/figure8.png", "results/gradcam/mnist.png"} <= set(
        spec.products
    )


def test_a_dataset_has_learning_rates_of_its_own(config, study):
    slower = overlaid(config, "datasets/mnist/lr_factor", 0.25)
    assert slower.run_spec(Run("mnist", "baseline", "full", 10)).recipe.lr == 0.025
    assert slower.run_spec(Run("mnist", "mha", "full", 10)).recipe.lr == study.recipe("mha")["lr"] / 4
    assert slower.run_spec(Run("cifar10", "baseline", "full", 10)) == study.run_spec(
        Run("cifar10", "baseline", "full", 10)
    )


def test_an_instrument_looks_at_as_many_seeds_as_it_is_told(config, study):
    one = overlaid(config, "instruments/attention-maps/seeds", 1)
    assert {run.seed for run in study.instruments.runs("attention-maps")} == {10, 11, 12}
    assert {run.seed for run in one.instruments.runs("attention-maps")} == {10}
    assert list(one.instruments.spec("attention-maps").seeds) == [10]
    assert all("seed10" in file for file in one.instruments.files("attention-maps"))
    assert one.instruments.measurement_spec("attention-maps") == study.instruments.measurement_spec("attention-maps")
    assert one.instruments.runs("ablation") == study.instruments.runs("ablation")
    more = overlaid(config, "instruments/attention-maps/seeds", 9)
    assert more.instruments.spec("attention-maps") == study.instruments.spec("attention-maps")
