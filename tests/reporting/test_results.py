"""Finished runs as data frames."""

import json

import numpy as np
import pytest
from run_specs import run_spec

from cnntention.base import specs
from cnntention.base.errors import DataError
from cnntention.reporting.results import EVALUATION_COLUMNS, evaluations, histories
from cnntention.training import history
from cnntention.training.specs import RunSpec


def spec(datasets=("d1", "d2"), models=("m1", "m2"), seeds=(10, 11), split="full") -> dict:
    return {
        "datasets": [{"name": name} for name in datasets],
        "models": [{"name": name} for name in models],
        "seeds": list(seeds),
        "split": split,
        "digests": {
            f"{dataset}/{model}/{split}/seed{seed}": specs.digest(of_run(dataset, model, split, seed))
            for dataset in datasets
            for model in models
            for seed in seeds
        },
    }


def of_run(dataset, model, split, seed) -> RunSpec:
    return run_spec(dataset=dataset, model=model, split=split, seed=seed)


def report(accuracy: float, spec: dict) -> dict:
    return {
        "spec": spec,
        "subset": "test",
        "n": 360,
        "accuracy": accuracy,
        "error": 100 - accuracy,
        "parameters": 272_474,
        "multiply_adds": 40_813_184,
        "attention": {"gates": [0.5, None, -1.0], "shares": [0.1, None, 0.2], "accuracy_bypassed": 50.0},
        "training": {"seconds": 12.5, "epochs": 3, "device": "CPU", "precision": "fp32"},
        "versions": {"training": {"torch": "2.15.0"}, "evaluation": {"torch": "2.15.0"}},
    }


@pytest.fixture
def evaluated(tmp_path):
    """Call it to put an evaluation in place."""

    def write(dataset, model, split, seed, accuracy, **changed):
        folder = tmp_path / "runs" / dataset / model / split / f"seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "eval.json").write_text(
            json.dumps(report(accuracy, specs.plain(of_run(dataset, model, split, seed)) | changed)), encoding="utf-8"
        )

    return write


@pytest.fixture
def trained(tmp_path):
    """Call it to put a history in place."""

    def write(dataset, model, split, seed, errors):
        rows = [
            {"epoch": epoch, "lr": 0.1, "train_error": error, "train_loss": 1.0, "test_error": 2 * error, "seconds": 1}
            for epoch, error in enumerate(errors, start=1)
        ]
        history.write(tmp_path / "runs" / dataset / model / split / f"seed{seed}" / "history.csv", rows)

    return write


def test_an_evaluation_becomes_a_row(evaluated, tmp_path):
    evaluated("d1", "m1", "full", 10, 91.25)
    frame = evaluations(str(tmp_path), spec())
    assert list(frame.columns) == list(EVALUATION_COLUMNS)
    assert frame.to_dict("records") == [
        {
            "dataset": "d1",
            "model": "m1",
            "split": "full",
            "seed": 10,
            "accuracy": 91.25,
            "n": 360,
            "seconds": 12.5,
            "epochs": 3,
            "device": "CPU",
            "precision": "fp32",
            "parameters": 272_474,
            "multiply_adds": 40_813_184,
            "attention": {"gates": [0.5, None, -1.0], "shares": [0.1, None, 0.2], "accuracy_bypassed": 50.0},
            "versions": {"training": {"torch": "2.15.0"}, "evaluation": {"torch": "2.15.0"}},
        }
    ]


def test_evaluations_are_read_where_they_are_and_left_out_where_not(evaluated, tmp_path):
    expected = {("d1", "m1", 10): 90.0, ("d1", "m2", 11): 91.0, ("d2", "m1", 10): 92.0, ("d2", "m1", 11): 93.0}
    for (dataset, model, seed), accuracy in expected.items():
        evaluated(dataset, model, "full", seed, accuracy)
    frame = evaluations(str(tmp_path), spec())
    found = frame.set_index(["dataset", "model", "seed"])["accuracy"].to_dict()
    assert found == expected


def test_evaluations_that_the_spec_does_not_ask_for_are_not_read(evaluated, tmp_path):
    evaluated("d1", "m1", "full", 10, 90)
    for other in (
        ("d3", "m1", "full", 10),
        ("d1", "m3", "full", 10),
        ("d1", "m1", "tune", 10),
        ("d1", "m1", "full", 12),
    ):
        evaluated(*other, 50)
    assert evaluations(str(tmp_path), spec())["accuracy"].tolist() == [90]


def test_evaluations_come_in_the_order_of_the_spec(evaluated, tmp_path):
    for dataset in ("d1", "d2"):
        for seed in (10, 11):
            evaluated(dataset, "m1", "full", seed, 90)
    frame = evaluations(str(tmp_path), spec(datasets=("d2", "d1"), seeds=(11, 10)))
    assert list(zip(frame["dataset"], frame["seed"], strict=True)) == [("d2", 11), ("d2", 10), ("d1", 11), ("d1", 10)]


@pytest.mark.parametrize("folder", [".", "absent"])
def test_without_any_file_frames_are_empty_and_have_their_columns(tmp_path, folder):
    frame = evaluations(str(tmp_path / folder), spec())
    assert frame.empty
    assert list(frame.columns) == list(EVALUATION_COLUMNS)
    frame = histories(str(tmp_path / folder), spec())
    assert frame.empty
    assert {"dataset", "model", "seed", "epoch"} <= set(frame.columns)


def test_a_history_becomes_a_row_an_epoch(trained, tmp_path):
    trained("d1", "m1", "tune", 10, [50.5, 40.25, 30])
    frame = histories(str(tmp_path), spec(split="tune"))
    assert frame["epoch"].tolist() == [1, 2, 3]
    assert frame["train_error"].tolist() == [50.5, 40.25, 30]
    assert frame["test_error"].tolist() == [101, 80.5, 60]
    assert frame["validation_error"].isna().all()
    assert set(frame["dataset"]) == {"d1"}
    assert set(frame["model"]) == {"m1"}
    assert set(frame["seed"]) == {10}


def test_histories_are_read_where_they_are_and_left_out_where_not(trained, tmp_path):
    trained("d1", "m1", "full", 10, [5, 4, 3])
    trained("d2", "m2", "full", 11, [9, 8])
    trained("d1", "m1", "tune", 11, [1])
    trained("d3", "m1", "full", 10, [1])
    frame = histories(str(tmp_path), spec())
    groups = frame.groupby(["dataset", "model", "seed"])["train_error"].agg(list).to_dict()
    assert groups == {("d1", "m1", 10): [5, 4, 3], ("d2", "m2", 11): [9, 8]}
    assert frame.index.is_unique


def test_results_of_another_config_count_as_missing(evaluated, tmp_path):
    evaluated("d1", "m1", "full", 10, 91.0)
    evaluated("d1", "m1", "full", 11, 92.0, epochs=3)
    assert evaluations(str(tmp_path), spec())["seed"].tolist() == [10]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_evaluation_is_named(evaluated, tmp_path, content):
    evaluated("d1", "m1", "full", 10, 91.0)
    path = tmp_path / "runs/d1/m1/full/seed10/eval.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"m1/full/seed10/eval\.json: damaged"):
        evaluations(str(tmp_path), spec())


def test_a_damaged_history_is_named(trained, tmp_path):
    trained("d1", "m1", "full", 10, [50.0])
    (tmp_path / "runs/d1/m1/full/seed10/history.csv").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"history\.csv: damaged"):
        histories(str(tmp_path), spec())


# ---- claims


def claims_spec(**changes) -> dict:
    """Two claims that share a model."""
    pairs = (("d1", "m1", "m2", "full"), ("d1", "m1", "m3", "full"))
    whole = spec(("d1",), ("m1", "m2", "m3"), (10,))
    claims = [
        {"dataset": {"name": dataset}, "split": split, "model": {"name": model}, "than": {"name": than}}
        for dataset, model, than, split in pairs
    ]
    return {"kind": "claims", "claims": claims, "seeds": [10], "digests": whole["digests"]} | changes


@pytest.fixture
def claimed(evaluated, trained, tmp_path):
    """The three runs of the claims, evaluated."""
    for model, right in (("m1", 3), ("m2", 2), ("m3", 1)):
        evaluated("d1", model, "full", 10, 25.0 * right)
        trained("d1", model, "full", 10, [40, 30])
        labels = np.arange(4)
        predictions = np.where(labels < right, labels, 9)
        np.savez(tmp_path / f"runs/d1/{model}/full/seed10/predictions.npz", labels=labels, predictions=predictions)
    return tmp_path


def test_a_claims_run_comes_once_with_its_errors_and_what_it_got_right(claimed):
    frame = evaluations(str(claimed), claims_spec())
    assert frame["model"].tolist() == ["m1", "m2", "m3"]
    assert frame["errors"].tolist() == [[80, 60]] * 3  # the test errors, not the train errors
    assert [right.tolist() for right in frame["right"]] == [
        [True, True, True, False],
        [True, True, False, False],
        [True, False, False, False],
    ]


@pytest.mark.parametrize("name", ["history.csv", "predictions.npz"])
@pytest.mark.parametrize("content", [b"", b"x", None])
def test_a_damaged_file_of_a_claim_is_named(claimed, name, content):
    path = claimed / "runs/d1/m2/full/seed10" / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: damaged"):
        evaluations(str(claimed), claims_spec())
