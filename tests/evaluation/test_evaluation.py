"""What an evaluation writes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from run_specs import CBAM, SELFATT, files_in, run_spec
from subjects import NAMES, accuracy, logits, shares, untrained
from test_dataset import separable, write_prepared
from torch import nn

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError, DataError, DeviceError
from cnntention.base.layout import DataFiles
from cnntention.data import dataset
from cnntention.evaluation.evaluate import evaluate
from cnntention.network import predict
from cnntention.training import checkpoint
from cnntention.training.specs import RunSpec

torch.set_num_threads(1)

PUBLISHED = [
    "spec", "subset", "n", "accuracy", "error", "loss", "accuracy_per_class", "confusion",
    "parameters", "multiply_adds", "attention", "training", "data_sha256", "versions",
]  # fmt: skip
"""Keys of the evaluations under docs/; others may stand beside them."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable(test=40))


def saved(folder: Path, spec: RunSpec, model: nn.Module, paths: tuple[Path, Path]) -> Path:
    """A checkpoint of a model that counts as trained on the prepared data."""
    digest = dataset.load(*paths).sha256
    checkpoint.save(folder / "model.pt", model, spec, NAMES, digest, {"seconds": 3.0, "epochs": 2})
    return folder / "model.pt"


def evaluated(folder: Path, spec: RunSpec, model: nn.Module, paths: tuple[Path, Path]) -> dict:
    saved(folder, spec, model, paths)
    return evaluate(files_in(folder), DataFiles(*paths), Machine("cpu", threads=1))


@pytest.mark.parametrize(("held_out", "subset", "count"), [(0, "test", 40), (25, "validation", 25)])
def test_report_and_predictions_are_those_of_the_part_that_the_split_is_judged_by(
    paths, tmp_path, monkeypatch, held_out, subset, count
):
    spec = run_spec(attention=SELFATT, validation_images=held_out)
    model = untrained(spec, 0.5, 1.0, -1.0)
    monkeypatch.setitem(predict.BATCH_SIZES, "cpu", 16)
    report = evaluated(tmp_path, spec, model, paths)
    part = dataset.load(*paths, validation_images=held_out).parts[subset]
    scores = logits(model, part).double()

    with np.load(tmp_path / "predictions.npz", allow_pickle=False) as archive:
        assert set(archive) == {"labels", "predictions", "probabilities"}
        labels, predictions, probabilities = (archive[key] for key in ("labels", "predictions", "probabilities"))
    assert (labels.dtype, predictions.dtype, probabilities.dtype) == (np.int64, np.int64, np.float32)
    np.testing.assert_array_equal(labels, part.labels.numpy())
    np.testing.assert_array_equal(predictions, scores.argmax(1).numpy())
    np.testing.assert_allclose(probabilities, (scores.exp() / scores.exp().sum(1, keepdim=True)).numpy(), atol=1e-4)

    assert report["subset"] == subset
    assert report["n"] == count
    assert report["accuracy"] == pytest.approx(100 * (labels == predictions).mean())
    losses = [math.log(sum(math.exp(s) for s in row)) - row[y] for row, y in zip(scores.tolist(), labels, strict=True)]
    assert report["loss"] == pytest.approx(sum(losses) / count, rel=1e-4)
    assert report["attention"]["gates"] == [0.5, 1.0, -1.0]
    assert report["attention"]["shares"] == pytest.approx(shares(model, part), rel=1e-4)
    assert report["attention"]["accuracy_bypassed"] == pytest.approx(accuracy(untrained(run_spec()), part))


def test_report_is_what_the_json_holds_with_all_that_tables_need(paths, tmp_path):
    spec = run_spec(attention=CBAM)
    model = untrained(spec)
    report = evaluated(tmp_path, spec, model, paths)
    assert json.loads((tmp_path / "eval.json").read_text(encoding="utf-8")) == report
    assert [key for key in report if key in PUBLISHED] == PUBLISHED
    assert report["spec"] == specs.plain(spec)
    assert report["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    stages = [(8 * 8, 16), (4 * 4, 32), (2 * 2, 64)]
    trunk = 64 * 16 * 9 + sum(n * c * 9 * (c if c == 16 else c // 2) + n * c * c * 9 for n, c in stages) + 64 * 3
    assert report["multiply_adds"] == trunk + sum(4 * c * (c // 16) + n * 2 * 49 for n, c in stages)
    assert report["training"] == {"seconds": 3.0, "epochs": 2}
    assert report["data_sha256"] == dataset.load(*paths).sha256
    assert report["versions"] == {"training": checkpoint.versions(), "evaluation": checkpoint.versions()}


def test_baseline_reports_no_attention(paths, tmp_path):
    assert evaluated(tmp_path, run_spec(), untrained(run_spec()), paths)["attention"] is None


def test_evaluating_twice_gives_the_same_bytes(paths, tmp_path):
    spec = run_spec(attention=SELFATT)
    for name in ("first", "second"):
        evaluated(tmp_path / name, spec, untrained(spec), paths)
    assert (tmp_path / "first" / "eval.json").read_bytes() == (tmp_path / "second" / "eval.json").read_bytes()


@pytest.mark.parametrize("other", [{"seed": 1}, {"train": 90}, {"channels": 3}, {"size": 9}], ids=str)
def test_checkpoint_of_other_data_is_refused(paths, tmp_path, other):
    spec = run_spec(validation_images=25)
    path = saved(tmp_path, spec, untrained(spec), paths)
    other_paths = write_prepared(tmp_path / "other", separable(**other))
    with pytest.raises(CheckpointError, match="data that differ") as caught:
        evaluate(files_in(tmp_path), DataFiles(*other_paths), Machine("cpu", threads=1))
    assert str(path) in str(caught.value)
    assert not (tmp_path / "eval.json").exists()
    assert not (tmp_path / "predictions.npz").exists()


def test_missing_checkpoint_and_damaged_data_are_refused(paths, tmp_path):
    outputs = tmp_path / "eval.json", tmp_path / "predictions.npz"
    with pytest.raises(CheckpointError, match=r"model\.pt"):
        evaluate(files_in(tmp_path), DataFiles(*paths), Machine("cpu", threads=1))
    saved(tmp_path, run_spec(), untrained(run_spec()), paths)
    damaged = tmp_path / "data.npz"
    damaged.write_bytes(paths[0].read_bytes()[:-100])
    with pytest.raises(DataError, match=r"data\.npz"):
        evaluate(files_in(tmp_path), DataFiles(damaged, paths[1]), Machine("cpu", threads=1))
    assert not any(output.exists() for output in outputs)


@pytest.mark.parametrize("place", ["load", "logits"])
def test_too_little_memory_is_named_and_leaves_no_file(paths, tmp_path, monkeypatch, place):
    def too_large(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    spec = run_spec()
    path = saved(tmp_path, spec, untrained(spec), paths)
    monkeypatch.setattr({"load": dataset, "logits": predict}[place], place, too_large)
    with pytest.raises(DeviceError) as caught:
        evaluate(files_in(tmp_path), DataFiles(*paths), Machine("cpu", threads=1))
    assert str(caught.value) == f"{path}: out of memory; run fewer at once"
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]
