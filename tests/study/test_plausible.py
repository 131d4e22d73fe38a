"""Numbers on another scale than is meant: what is refused, what is remarked on, what passes."""

import numpy as np
import pytest
from conftest import ROOT

from cnntention.base.errors import ConfigError
from cnntention.study.config import load
from cnntention.study.study import Study

OVERLAYS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.fixture
def study(config, tmp_path, monkeypatch):
    """Call it with ``a/b/c`` and a value to have the shipped config with it; own.npz is a file of 30 grey images."""
    monkeypatch.chdir(tmp_path)
    images, labels = np.zeros((30, 8, 8), np.uint8), np.arange(30) % 3
    np.savez("own.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    config["datasets"]["own"] = {"label": "Own", "source": "npz", "path": "own.npz", "class_names": ["a", "b", "c"]}
    config["datasets"]["digits"] = {"label": "Digits", "source": "digits"}
    del config["instruments"]["cbam-weights"]  # it asks for more validation images than there are below

    def changed(*changes) -> Study:
        for path, value in changes:
            *parents, last = path.split("/")
            node = config
            for part in parents:
                node = node.setdefault(part, {})
            node[last] = value
        return Study(config)

    return changed


REFUSED = [
    ("datasets/own/normalization", {"mean": [33.3], "std": [0.3]}, "mean[0]: 33.3 is on another scale", "255: 0.1306"),
    ("datasets/own/normalization", {"mean": [0.13], "std": [78.6]}, "std[0]: 78.6 is on another scale", "255: 0.3082"),
    ("datasets/own/normalization", {"mean": [125.3], "std": [63.0]}, "mean[0]: 125.3 is on", "0.4914"),
    ("datasets/own/normalization", {"mean": [30000], "std": [0.3]}, "mean[0]: 30000 is on", "the value of white"),
    ("datasets/own/normalization", {"mean": [-0.1], "std": [0.3]}, "mean[0]: -0.1 is no mean", "in [0, 1]"),
    ("datasets/own/normalization", {"mean": [0.1], "std": [0.0039]}, "std[0]: 0.0039 is less than one grey level", ""),
    ("datasets/cifar10/normalization/std", [0.2, 0.2, 1.1], "std[2]: 1.1 is on another scale", ""),
    ("datasets/own/augmentation/crop_padding", 8, "crop_padding: with 8 zeros", "8x8 pixels"),
    ("datasets/mnist/augmentation/crop_padding", 28, "crop_padding: with 28 zeros", "28x28 pixels"),
    ("datasets/own/validation_images", 30, "validation_images: 30 leaves none of 30 images", ""),
    ("datasets/own/validation_images", 28, "validation_images: 28 leaves 2, fewer than there are classes", ""),
    ("recipes/he2015/lr", 1000, "lr: 1000 makes every loss infinite", "at most 100"),
    ("recipes/he2015/momentum", 0.999999, "momentum: 0.999999 averages over 1,000,000 steps", "at most 0.999"),
    ("recipes/adam-cbam/weight_decay", 10, "weight_decay: 10 leaves nothing but decay", "at most 1"),
]


@pytest.mark.parametrize(("path", "value", "text", "remedy"), REFUSED)
def test_what_nobody_can_mean_is_refused(study, path, value, text, remedy):
    with pytest.raises(ConfigError) as caught:
        study((path, value))
    section, name = path.split("/")[:2]
    lines = [line for line in str(caught.value).splitlines() if text in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"  {section}.{name}.")
    assert remedy in lines[0]


def test_decay_that_takes_the_weights_away_whole_is_refused(study):
    """A step of SGD multiplies them by 1 - lr * weight_decay."""
    with pytest.raises(
        ConfigError, match=r"recipes\.he2015\.weight_decay: 0\.5 with lr 2 takes the weights away whole"
    ):
        study(("recipes/he2015/lr", 2), ("recipes/he2015/weight_decay", 0.5))


ACCEPTED = [
    ("datasets/own/normalization", {"mean": [0], "std": [1]}),
    ("datasets/own/normalization", {"mean": [1], "std": [0.00393]}),
    ("datasets/own/normalization", {"mean": [0.5], "std": [0.5]}),
    ("datasets/own/augmentation/crop_padding", 4),
    ("datasets/cifar10/validation_images", 25_000),
    ("datasets/digits/image_size", 32),
    ("recipes/he2015/lr", 2),
    ("recipes/he2015/weight_decay", 0.1),
    ("recipes/he2015/momentum", 0.99),
    ("recipes/adam-cbam/gamma", 0.001),
    ("epochs", 1000),
]


@pytest.mark.parametrize(("path", "value"), ACCEPTED)
def test_what_may_be_meant_passes_without_a_word(study, path, value):
    assert study((path, value)).remarks() == []


REMARKED = [
    ("datasets/own/augmentation/crop_padding", 5, "datasets.own.augmentation.crop_padding: 5 cuts off more than half"),
    (
        "datasets/digits/validation_images",
        800,
        "datasets.digits.validation_images: 800 of 1,437 leave the smaller part",
    ),
    ("datasets/cifar10/validation_images", 50, "datasets.cifar10.validation_images: one of 50 is 2.0% of"),
    ("datasets/digits/image_size", 33, "datasets.digits.image_size: 33 enlarges images of 8x8"),
    ("datasets/mnist/epochs", 1001, "datasets.mnist.epochs: 1,001 is long"),
    ("datasets/mnist/lr_factor", 1000, "datasets.mnist.lr_factor: 1000 changes learning rates more than"),
    ("epochs", 5000, "epochs: 5,000 is long"),
    ("recipes/he2015/epochs", 70_000, "recipes.he2015.epochs: 70,000 is long"),
    ("recipes/he2015/lr", 3, "recipes.he2015.lr: 3 is high for sgd"),
    ("recipes/adam-cbam/lr", 1, "recipes.adam-cbam.lr: 1 is high for adam"),
    ("recipes/adam-cbam/lr", 1e-8, "recipes.adam-cbam.lr: 1e-08 hardly moves"),
    ("recipes/he2015/weight_decay", 0.2, "recipes.he2015.weight_decay: 0.2 is high"),
    ("recipes/he2015/momentum", 0.995, "recipes.he2015.momentum: 0.995 averages over 200 steps"),
    ("recipes/he2015/gamma", 1, "recipes.he2015.gamma: 1 leaves"),
    ("recipes/he2015/gamma", 1e-5, "recipes.he2015.gamma: 1e-05 ends learning"),
    ("recipes/he2015/batch_size", 45_001, "recipes.he2015.batch_size: 45,001 is more than cifar10 has training images"),
]


@pytest.mark.parametrize(("path", "value", "text"), REMARKED)
def test_what_is_rarely_meant_is_remarked_on_once(study, path, value, text):
    if "batch_size" in path:  # the whole study trains on all 50,000, and no run of this recipe on 45,000
        recipe = ("models/selfatt-unweighted/recipe", "he2015")
        found = study((path, value), recipe).remarks()
    else:
        found = study((path, value)).remarks()
    assert [line[: len(text)] for line in found] == [text]


def test_patience_that_never_ends_is_remarked_on(study):
    rule = ("recipes/adam-cbam/early_stopping", {"patience": 182})
    full = [("tables/only", ["table2", "table3"]), ("tables/table3/models", ["baseline", "mha"])]
    full += [("figures/only", []), ("instruments/only", []), ("gradcam/only", [])]
    found = study(rule, *full).remarks()
    assert found == ["recipes.adam-cbam.early_stopping.patience: 182 epochs never pass before the end"]


def test_arrays_that_nothing_reads_are_remarked_on(study, tmp_path):
    images, labels = np.zeros((30, 8, 8), np.uint8), np.arange(30) % 3
    np.savez("own.npz", x_train=images, y_train=labels, x_test=images, y_test=labels, names=np.array(["a"]))
    assert study().remarks() == ["datasets.own: own.npz: not read: names"]


def test_the_shipped_config_gives_no_cause_for_remarks(study):
    assert study().remarks() == []


@pytest.mark.parametrize("overlay", [path for path in OVERLAYS if path.stem == "demo"], ids=lambda path: path.stem)
def test_nor_does_the_demo(overlay):
    assert Study(load(ROOT / "config.yaml", overlay)).remarks() == []
