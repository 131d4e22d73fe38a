"""Finished runs as data frames, and whether the config made them."""

from pathlib import Path

import pandas as pd
import pytest
from made import evaluation, write_evaluation, write_history, write_predictions, write_weights

from cnntention.base import layout, specs
from cnntention.base.errors import DataError
from cnntention.base.layout import Run
from cnntention.reporting import runs
from cnntention.reporting.runs import evaluations, evaluations_in_detail, histories
from cnntention.study.study import Study
from cnntention.training.history import COLUMNS, LATER

RUNS = [Run(dataset, model, "full", seed) for dataset in ("d1", "d2") for model in ("m1", "m2") for seed in (10, 11)]


@pytest.fixture
def study(config) -> Study:
    """Of two models on two datasets, by whose specs the runs of these tests are made."""
    config["datasets"] = {name: config["datasets"]["cifar10"] | {"label": name} for name in ("d1", "d2")}
    config["models"] = {name: config["models"]["mha"] | {"label": name} for name in ("m1", "m2", "m3")}
    return Study(config | {"seeds": [10, 11], "tables": {}, "figures": {}, "gradcam": {}, "instruments": {}})


@pytest.fixture
def expected(study) -> dict[str, str]:
    return study.digests(RUNS)


@pytest.fixture
def spec_of(study):
    """The spec of a run, in plain values and with changes."""
    return lambda run, **changes: specs.plain(study.run_spec(run)) | changes


# ---- evaluations


def test_an_evaluation_becomes_a_row_with_all_that_stands_in_it(tmp_path, spec_of, expected):
    """A number that is new in eval.json too."""
    write_evaluation(tmp_path, RUNS[0], spec_of(RUNS[0]), 91.25, n=360, calibration=0.05)
    (row,) = evaluations(str(tmp_path), expected).to_dict("records")
    wanted = evaluation("m1", 10, 91.25, "d1", n=360, seconds=6.0, epochs=3) | {"calibration": 0.05}
    in_detail = ("errors", "right")  # of history.csv and predictions.npz
    wanted = {name: value for name, value in wanted.items() if name not in in_detail}
    assert row == wanted | {"parameters": row["parameters"]}


def test_runs_are_read_where_they_are_and_left_out_where_not(tmp_path, spec_of, expected):
    there = {RUNS[0]: 90.0, RUNS[3]: 91.0, RUNS[4]: 92.0, RUNS[5]: 93.0}
    for run, accuracy in there.items():
        write_evaluation(tmp_path, run, spec_of(run), accuracy)
        write_history(tmp_path, run, [accuracy, 2, 1])
    for other in (Run("d1", "m3", "full", 10), Run("d1", "m1", "tune", 10), Run("d1", "m1", "full", 12)):
        write_evaluation(tmp_path, other, spec_of(other), 50.0)
        write_history(tmp_path, other, [50.0, 2, 1])
    names = ["dataset", "model", "split", "seed"]
    found = evaluations(str(tmp_path), expected).set_index(names)["accuracy"].to_dict()
    assert found == {(run.dataset, run.model, run.split, run.seed): accuracy for run, accuracy in there.items()}
    first = histories(str(tmp_path), expected).query("epoch == 1").set_index(names)["train_error"].to_dict()
    assert first == found


@pytest.mark.parametrize("read", [evaluations, evaluations_in_detail, histories])
@pytest.mark.parametrize("folder", [".", "absent"])
def test_without_any_file_frames_are_empty_and_have_their_columns(tmp_path, expected, read, folder):
    frame = read(str(tmp_path / folder), expected)
    assert frame.empty
    assert {"dataset", "model", "split", "seed"} < set(frame.columns)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"training": {}, "spec": {}, "accuracy": 90}'])
def test_a_damaged_evaluation_is_named(tmp_path, expected, content):
    path = Path(RUNS[0].path(layout.EVAL, str(tmp_path)))
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"m1/full/seed10/eval\.json: missing or damaged .*evaluate this run again"):
        evaluations(str(tmp_path), expected)
    assert runs.if_whole(runs.evaluation, str(path)) is None


# ---- histories


def test_a_history_becomes_a_row_an_epoch(tmp_path, study, spec_of):
    run = Run("d1", "m1", "tune", 10)
    write_history(tmp_path, run, [50.5, 40.25, 30])
    write_weights(Path(run.path(layout.MODEL, str(tmp_path))), spec_of(run))
    frame = histories(str(tmp_path), study.digests([run]))
    assert frame["epoch"].tolist() == [1, 2, 3]
    assert frame["train_error"].tolist() == [50.5, 40.25, 30]
    assert frame["validation_error"].tolist() == [101, 80.5, 60]
    assert frame["test_error"].isna().all()
    assert set(frame["dataset"] + frame["model"] + frame["split"]) == {"d1m1tune"}
    assert set(frame["seed"]) == {10}


@pytest.mark.parametrize("content", ["", "epoch,lr\n1,0.1\n", "x"])
def test_a_damaged_history_is_named(tmp_path, expected, content):
    write_history(tmp_path, RUNS[0], [50.0])
    Path(RUNS[0].path(layout.HISTORY, str(tmp_path))).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"history\.csv: .*damaged.*train this run again"):
        histories(str(tmp_path), expected)


def test_a_history_from_before_attention_was_followed_has_none_of_it(tmp_path, spec_of, expected):
    write_history(tmp_path, RUNS[0], [50.0, 40.0])
    path = Path(RUNS[0].path(layout.HISTORY, str(tmp_path)))
    pd.read_csv(path)[list(COLUMNS)].to_csv(path, index=False)
    write_weights(Path(RUNS[0].path(layout.MODEL, str(tmp_path))), spec_of(RUNS[0]), seconds=4.0, epochs=2)
    frame = histories(str(tmp_path), expected)
    assert frame["train_error"].tolist() == [50.0, 40.0]
    assert frame[list(LATER)].isna().all(axis=None)


# ---- results of another config


def test_evaluations_of_another_config_count_as_missing(tmp_path, spec_of, expected):
    write_evaluation(tmp_path, RUNS[0], spec_of(RUNS[0]))
    write_evaluation(tmp_path, RUNS[1], spec_of(RUNS[1], precision="bf16"))
    assert evaluations(str(tmp_path), expected)["seed"].tolist() == [10]


@pytest.mark.parametrize("tells", ["model.pt", "eval.json"])
def test_histories_of_another_config_count_as_missing(tmp_path, spec_of, expected, tells):
    """With one seed more, two configs would become one model's band."""
    for run, changes in ((RUNS[0], {}), (RUNS[1], {"precision": "bf16"})):
        write_history(tmp_path, run, [3, 2, 1])
        if tells == "model.pt":
            write_weights(Path(run.path(layout.MODEL, str(tmp_path))), spec_of(run, **changes))
        else:
            write_evaluation(tmp_path, run, spec_of(run, **changes))
    assert set(histories(str(tmp_path), expected)["seed"]) == {10}


def test_an_evaluation_that_is_older_than_the_weights_says_nothing_of_the_history(tmp_path, spec_of, expected):
    """Evaluated by this config, then trained by another one."""
    write_evaluation(tmp_path, RUNS[0], spec_of(RUNS[0]))
    write_history(tmp_path, RUNS[0], [3, 2, 1])
    assert not histories(str(tmp_path), expected).empty
    write_weights(Path(RUNS[0].path(layout.MODEL, str(tmp_path))), spec_of(RUNS[0], precision="bf16"))
    assert histories(str(tmp_path), expected).empty


@pytest.mark.parametrize("training", [{"seconds": 7.0}, {"epochs": 4}])
def test_what_was_made_by_another_training_than_the_history_tells_nothing(tmp_path, spec_of, expected, training):
    write_history(tmp_path, RUNS[0], [3, 2, 1])
    write_weights(Path(RUNS[0].path(layout.MODEL, str(tmp_path))), spec_of(RUNS[0]), **training)
    assert histories(str(tmp_path), expected).empty


@pytest.mark.parametrize("weights", [None, b"", b"weights"])
def test_a_history_beside_which_nothing_tells_counts_as_missing(tmp_path, expected, weights):
    write_history(tmp_path, RUNS[0], [3, 2, 1])
    if weights is not None:
        Path(RUNS[0].path(layout.MODEL, str(tmp_path))).write_bytes(weights)
    assert histories(str(tmp_path), expected).empty


# ---- in detail


@pytest.fixture
def detailed(tmp_path, spec_of) -> Path:
    """Two runs of another split each, with all that they left."""
    for run, right in ((RUNS[0], 3), (Run("d1", "m1", "tune", 10), 1)):
        write_evaluation(tmp_path, run, spec_of(run), 25.0 * right)
        write_history(tmp_path, run, [40, 30, 20])
        write_predictions(tmp_path, run, right)
    return tmp_path


def test_errors_are_those_of_the_images_that_judge_the_split(detailed, study):
    """Test errors with split full, validation errors with split tune, never train errors."""
    tune = Run("d1", "m1", "tune", 10)
    frame = evaluations_in_detail(str(detailed), study.digests([RUNS[0], tune]))
    assert frame["split"].tolist() == ["full", "tune"]
    assert frame["errors"].tolist() == [[80, 60, 40]] * 2
    assert [right.tolist() for right in frame["right"]] == [[True, True, True, False], [True, False, False, False]]


def test_a_run_that_was_trained_again_and_is_not_evaluated_yet_is_left_out(detailed, expected):
    """Its curve would be of another training than its accuracy."""
    write_history(detailed, RUNS[0], [40, 30, 20], seconds=3.0)
    assert evaluations_in_detail(str(detailed), expected).empty
    assert len(evaluations(str(detailed), expected)) == 1


def test_a_run_that_is_being_trained_again_is_left_out(detailed, expected):
    """Snakemake has removed its history, and its evaluation is still that of before."""
    Path(RUNS[0].path(layout.HISTORY, str(detailed))).unlink()
    assert evaluations_in_detail(str(detailed), expected).empty


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("history.csv", b""),
        ("history.csv", b"x"),
        ("predictions.npz", b""),
        ("predictions.npz", b"x"),
        ("predictions.npz", None),
    ],
)
def test_a_damaged_file_beside_an_evaluation_is_named(detailed, expected, name, content):
    path = Path(RUNS[0].path(layout.RUN, str(detailed))) / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: .*damaged"):
        evaluations_in_detail(str(detailed), expected)
