"""Each step on the command line, from a small config on the digits to all its products."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from conftest import ROOT, SMALL
from PIL import Image

from cnntention.__main__ import main

MODELS = ("baseline", "selfatt")
CONFIG = SMALL | {
    "models": SMALL["models"]
    | {
        "selfatt": {
            "label": "SelfAtt",
            "color": "#0072b2",
            "recipe": "short",
            "depth": 8,
            "attention": {"block": "selfatt", "residual": "weighted"},
        },
    },
    "tables": {
        "accuracies": {
            "kind": "accuracy",
            "caption": "Accuracies",
            "datasets": ["digits"],
            "split": "full",
            "models": list(MODELS),
            "reference": "baseline",
        }
    },
    "figures": {
        "errors": {
            "title": "Errors",
            "datasets": ["digits"],
            "split": "full",
            "models": list(MODELS),
            "curves": ["train_error", "test_error"],
            "panels": "curve",
        }
    },
    "gradcam": {"digits": {"split": "full", "models": list(MODELS), "images": [0, 359], "style": {"dpi": 60}}},
    "instruments": {
        "parts": {
            "kind": "ablation",
            "caption": "Parts",
            "datasets": ["digits"],
            "split": "full",
            "models": ["selfatt"],
            "images": 20,
        }
    },
}


def write_config(folder, **changes):
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | changes), encoding="utf-8")


def step(*arguments: str) -> str:
    """Run a step in this process; returns what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(list(arguments))
    return printed.getvalue()


def command(*arguments: str, cwd) -> subprocess.CompletedProcess:
    """Run a step as users do."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "cnntention", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def problem(*arguments: str) -> str:
    """The message that a step ends with."""
    with pytest.raises(SystemExit) as caught:
        step(*arguments)
    assert isinstance(caught.value.code, str)
    assert caught.value.code.startswith("error: ")
    return caught.value.code


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a study whose steps were all made in order, and what they printed."""
    folder = tmp_path_factory.mktemp("study")
    write_config(folder)
    before = os.getcwd()
    os.chdir(folder)
    try:
        printed = {"prepare": step("prepare", "digits")}
        for model in MODELS:
            printed[f"train {model}"] = step("train", "digits", model, "--threads", "1")
            printed[f"evaluate {model}"] = step("evaluate", "digits", model, "--threads", "1")
        for name, product in (("table", "accuracies"), ("figure", "errors"), ("gradcam", "digits")):
            printed[name] = step(name, product)
        printed["measure"] = step("measure", "parts", "digits", "selfatt", "--threads", "1")
        printed["instrument"] = step("instrument", "parts")
        printed["overview"] = step("overview")
    finally:
        os.chdir(before)
    return folder, printed


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the config, and nothing made yet; the working directory."""
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- all steps


def test_the_steps_write_the_files_of_the_pipeline_and_no_others(finished):
    folder, _ = finished
    runs = [f"runs/digits/{model}/full/seed3/{name}" for model in MODELS for name in
            ("eval.json", "history.csv", "model.pt", "predictions.npz")]  # fmt: skip
    products = [
        "data/digits.json",
        "data/digits.npz",
        "figures/errors.png",
        "figures/errors.svg",
        "gradcam/digits.json",
        "gradcam/digits.png",
        "instruments/parts.csv",
        "instruments/parts.html",
        "instruments/parts.json",
        "instruments/parts.md",
        "instruments/parts.png",
        "instruments/parts.svg",
        "instruments/parts.tex",
        "instruments/parts/digits/selfatt/full/seed3.json",
        "instruments/parts/digits/selfatt/full/seed3.npz",
        "overview.html",
        "tables/accuracies.csv",
        "tables/accuracies.html",
        "tables/accuracies.json",
        "tables/accuracies.md",
        "tables/accuracies.tex",
    ]
    files = [path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*") if path.is_file()]
    assert sorted(files) == sorted(runs + products)
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "out"]


def test_the_steps_say_where_their_results_are(finished):
    _, printed = finished
    assert "out/data/digits.json" in printed["prepare"]
    assert "out/runs/digits/selfatt/full/seed3/eval.json" in printed["evaluate selfatt"]
    assert "digits/selfatt/full/seed3" in printed["train selfatt"]
    assert "out/figures/errors.png" in printed["figure"]
    assert "out/figures/errors.svg" in printed["figure"]
    assert "out/gradcam/digits.png" in printed["gradcam"]
    assert "out/overview.html" in printed["overview"]
    assert "**Accuracies**" in printed["table"]
    assert "out/instruments/parts/digits/selfatt/full/seed3.json" in printed["measure"]
    assert "**Parts**" in printed["instrument"]


def test_training_writes_a_row_an_epoch(finished):
    folder, _ = finished
    with open(folder / "out/runs/digits/baseline/full/seed3/history.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["epoch"], row["lr"], row["validation_error"]) == ("1", "0.1", "")
    assert 0 <= float(row["test_error"]) <= 100


def test_the_table_the_report_and_the_predictions_agree(finished):
    folder, printed = finished
    for model in MODELS:
        run = folder / "out/runs/digits" / model / "full/seed3"
        report = json.loads((run / "eval.json").read_text(encoding="utf-8"))
        with np.load(run / "predictions.npz") as predictions:
            accuracy = 100 * (predictions["labels"] == predictions["predictions"]).mean()
        assert report["subset"] == "test"
        assert report["n"] == 360
        assert report["accuracy"] == pytest.approx(accuracy)
        assert f" {accuracy:.2f} " in printed["table"]
    assert printed["table"].strip() == (folder / "out/tables/accuracies.md").read_text(encoding="utf-8").strip()
    assert "INCOMPLETE" not in printed["table"]


def test_the_pictures_are_pictures(finished):
    folder, _ = finished
    for name in ("figures/errors.png", "gradcam/digits.png"):
        with Image.open(folder / "out" / name) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 100


def test_gradcam_is_told_what_each_model_predicted(finished):
    folder, _ = finished
    report = json.loads((folder / "out/gradcam/digits.json").read_text(encoding="utf-8"))
    assert [image["index"] for image in report["images"]] == [0, 359]
    for model in MODELS:
        with np.load(folder / "out/runs/digits" / model / "full/seed3/predictions.npz") as predictions:
            wanted = [str(predictions["predictions"][index]) for index in (0, 359)]
        assert [entry["prediction"] for entry in report["models"][model]] == wanted


# ---- trained models


@pytest.fixture
def study(finished, monkeypatch):
    """The folder of the finished study; the working directory."""
    monkeypatch.chdir(finished[0])
    return finished[0]


@pytest.fixture
def digit(study, tmp_path):
    """The first test image as a picture of twice the size, and the evaluation's probabilities for it."""
    with np.load(study / "out/data/digits.npz") as data:
        pixels = data["x_test"][0, ..., 0].repeat(2, 0).repeat(2, 1)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    with np.load(study / "out/runs/digits/selfatt/full/seed3/predictions.npz") as predictions:
        return str(tmp_path / "digit.png"), predictions["probabilities"][0]


@pytest.mark.parametrize("name", ["", "/full", "/full/seed3", "a file"])
def test_a_picture_is_predicted_by_a_run_or_a_file(digit, tmp_path, name):
    picture, probabilities = digit
    model = "out/runs/digits/selfatt/full/seed3/model.pt" if name == "a file" else f"digits/selfatt{name}"
    printed = step("predict", model, picture, picture, "--output", str(tmp_path / "overlays"))
    for line, overlay in zip(printed.splitlines(), ("digit.png", "digit-2.png"), strict=True):
        assert line.startswith(f"{picture}: {probabilities.argmax()} ")
        assert line.endswith(f", {tmp_path / 'overlays' / overlay}")
        with Image.open(tmp_path / "overlays" / overlay) as drawn:
            assert drawn.format == "PNG"


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("digits/resnet", "digits/resnet: no such file, and no run of the study"),
        ("digits/baseline/best", "digits/baseline/best: no such file, and no run of the study"),
        ("absent.pt", "absent.pt: no such file, and no run of the study"),
        ("config.yaml", "config.yaml: damaged, or not a checkpoint"),
        ("digits/baseline/full/seed4", "seed4/model.pt: no such file; train this run first"),
    ],
)
def test_a_model_that_is_not_there_ends_with_one_line(digit, model, text):
    assert text in problem("predict", model, digit[0])


def test_another_size_than_the_models_is_refused(digit):
    model = "out/runs/digits/baseline/full/seed3/model.pt"
    assert "was trained on images of 8x8" in problem("predict", model, digit[0], "--image-size", "32")


def test_a_run_of_another_config_is_refused(digit):
    with open("more.yaml", "w", encoding="utf-8") as file:
        file.write("recipes: {short: {lr: 0.2}}")
    assert "trained by another config" in problem("--configfile", "more.yaml", "predict", "digits/baseline", digit[0])
    os.remove("more.yaml")


# ---- the command itself


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help(arguments):
    done = command(*arguments, cwd=ROOT)
    assert done.returncode == 0
    assert "usage: cnntention" in done.stdout
    assert not done.stderr


def test_runs_are_listed(folder):
    done = command("runs", cwd=folder)
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["digits/baseline/full/seed3", "digits/selfatt/full/seed3"]


def test_a_reader_that_has_enough_ends_it_without_a_word(folder):
    """As in ``cnntention runs | head``; here nobody reads at all."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
        words = [sys.executable, "-m", "cnntention", "runs"]
        done = subprocess.run(words, cwd=folder, env=environment, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (128 + 13, "")


def test_runs_of_an_overlay_are_listed(folder):
    (folder / "more.yaml").write_text("seeds: [7, 8]", encoding="utf-8")
    printed = step("--configfile", "more.yaml", "runs")
    assert printed.splitlines() == [
        "digits/baseline/full/seed7",
        "digits/baseline/full/seed8",
        "digits/selfatt/full/seed7",
        "digits/selfatt/full/seed8",
    ]


def test_listing_runs_makes_nothing(folder):
    step("runs")
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["prepare", "cifar10"], ["dataset 'cifar10' is not in the config", "digits"]),
        (["train", "cifar10", "baseline"], ["dataset 'cifar10' is not in the config", "digits"]),
        (["train", "digits", "resnet"], ["model 'resnet' is not in the config", "baseline, selfatt"]),
        (["evaluate", "digits", "resnet"], ["model 'resnet' is not in the config", "baseline, selfatt"]),
        (["table", "table9"], ["table 'table9' is not in the config", "accuracies"]),
        (["figure", "figure9"], ["figure 'figure9' is not in the config", "errors"]),
        (["gradcam", "mnist"], ["dataset 'mnist' is not in the config", "digits"]),
        (["--configfile", "absent.yaml", "runs"], ["absent.yaml: No such file"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_an_unknown_name_ends_with_one_line(folder, arguments, texts):
    (line,) = problem(*arguments).splitlines()
    for text in texts:
        assert text in line


@pytest.mark.parametrize("arguments", [["table", "table9"], ["prepare", "cifar10"]])
def test_an_unknown_name_ends_the_process_with_one_line_and_exit_code_1(folder, arguments):
    done = command(*arguments, cwd=folder)
    assert done.returncode == 1
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {arguments[0].replace('prepare', 'dataset')} '{arguments[1]}' is not in the config")


def test_a_broken_config_ends_with_a_message_and_exit_code_1(folder):
    write_config(folder, seeds=[], epochs=0)
    done = command("runs", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the config is not valid:")
    assert "seeds:" in done.stderr
    assert "epochs:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["train", "digits"], ["train", "digits", "baseline", "--split", "x"]]
)
def test_what_is_no_step_ends_with_the_usage(folder, arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: cnntention" in capsys.readouterr().err


def test_a_step_before_its_time_names_the_missing_file(folder):
    assert "out/data/digits" in problem("train", "digits", "baseline")
    step("prepare", "digits")
    assert "out/runs/digits/baseline/full/seed3/model.pt" in problem("evaluate", "digits", "baseline")
    assert "model.pt" in problem("gradcam", "digits")
    assert not (folder / "out" / "runs").exists()


def test_a_table_before_its_runs_says_missing(folder):
    printed = step("table", "accuracies")
    assert printed.count("missing") == 2
    assert "INCOMPLETE: 2 of 2 rows lack runs of this config." in printed


def test_a_figure_before_its_runs_is_drawn_without_a_warning(folder, recwarn):
    step("figure", "errors")
    assert (folder / "out/figures/errors.png").is_file()
    assert not recwarn.list


def test_split_tune_without_validation_images_is_refused(folder):
    """The run would lie under tune/ and be judged by the test set."""
    step("prepare", "digits")
    assert "validation_images" in problem("train", "digits", "baseline", "--split", "tune", "--threads", "1")


def test_split_full_with_early_stopping_is_refused(folder):
    """As in the config: without validation images nothing would ever stop it."""
    recipe = CONFIG["recipes"]["short"] | {"early_stopping": {"patience": 1}}
    write_config(folder, recipes={"short": recipe}, tables={}, figures={}, gradcam={}, instruments={})
    step("prepare", "digits")
    assert "early_stopping" in problem("train", "digits", "baseline", "--threads", "1")


@pytest.mark.parametrize("seed", ["-1", str(2**32), "ten"])
def test_a_seed_that_torch_cannot_take_is_refused(folder, capsys, seed):
    """The config allows 0 to 2**32 - 1."""
    with pytest.raises(SystemExit) as stopped:
        main(["train", "digits", "baseline", "--seed", seed])
    assert stopped.value.code == 2
    assert "argument --seed: invalid" in capsys.readouterr().err
