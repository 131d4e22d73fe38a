"""The code path of CUDA: where tensors are, what is launched, and what a step waits for. Numbers mean nothing here."""

import functools
import json
import shutil

import pretended
import pytest
import yaml
from conftest import ROOT

MODELS = ["baseline", "selfatt", "mha", "cbam-16"]
OVERLAY = {
    "machine": {"device": "cuda"},
    "results": "results",
    "seeds": [10],
    "epochs": 2,
    "datasets": {"only": ["digits"], "digits": {"label": "Digits", "source": "digits"}},
    "models": {"only": MODELS} | {name: {"depth": 8} for name in MODELS},
    "recipes": {"adam-cbam": {"milestones": []}},
    "tables": {"only": ["table3"], "table3": {"datasets": ["digits"], "published": None}},
    "figures": {"only": []},
    "gradcam": {
        "only": ["digits"],
        "digits": {"split": "full", "models": MODELS, "images": [0, 1]},
    },
    "instruments": {"only": []},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with a config and prepared data, and a way to run a step there."""
    try:
        on_gpu = pretended.build(tmp_path_factory.mktemp("gpu"))
    except pretended.AbsentError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("study")
    shutil.copy(ROOT / "config.yaml", folder)
    (folder / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY), encoding="utf-8")

    def step(*arguments: str, **options):
        return on_gpu("cli.py", "--configfile", "overlay.yaml", *arguments, cwd=folder, **options)

    step("prepare", "digits")
    step.results = folder / "results"
    return step


@pytest.fixture(scope="module")
def trained(study):
    """Trains a model once, interrupted after five steps and resumed; returns what both processes said."""

    @functools.cache
    def train(model: str):
        return study("train", "digits", model, STOP_AFTER="5", returncode=-15), study("train", "digits", model)

    return train


@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_interrupted_resumed_and_evaluated(study, trained, model):
    stopped, resumed = trained(model)
    assert "stopped by SIGTERM in epoch 1 after step 5 of 12" in stopped.stderr
    assert "resuming   after epoch 0 and step 5 of 12" in resumed.stdout
    assert "NVIDIA H100 (pretended)" in resumed.stdout
    study("evaluate", "digits", model)
    report = json.loads((study.results / f"runs/digits/{model}/full/seed10/eval.json").read_text())
    assert report["training"]["device"] == "NVIDIA H100 (pretended)"
    assert report["training"]["precision"] == "bf16"
    assert report["n"] == 360


@pytest.mark.parametrize("model", MODELS)
def test_a_step_is_one_launch_and_waits_for_nothing(trained, model):
    """Three steps of a process are taken as they are, then one is captured; the last batch of an epoch is smaller."""
    steps = trained(model)[1].result["steps"]
    assert [step["graphs"] for step in steps] == [0, 0, 0] + [1] * 3 + [0] + [1] * 11 + [0]
    for step in steps[4:6] + steps[8:18]:  # not the one that captures, nor the first of an epoch
        assert step["kernels"] + step["graphs"] + step["copies"] + step["memsets"] <= 6
    assert all(step["syncs"] == 0 for step in steps[4:])


def test_a_grid_is_drawn(study, trained):
    for model in MODELS:
        trained(model)
    study("gradcam", "digits")
    assert (study.results / "gradcam/digits.png").is_file()
