"""Metrics against loops, and what an evaluation writes."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from run_specs import CBAM, NORMALIZATION, SELFATT, run_spec
from test_dataset import separable, write_prepared
from torch import nn

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError, DataError, DeviceError
from cnntention.data import dataset
from cnntention.data.batches import Normalizer
from cnntention.evaluation import evaluate as evaluation
from cnntention.network import predict
from cnntention.training import checkpoint
from cnntention.training.specs import RunSpec

torch.set_num_threads(1)

NAMES = ["0", "1", "2"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable(test=40))


def untrained(spec: RunSpec) -> nn.Module:
    torch.manual_seed(spec.seed)
    return checkpoint.build(spec, 1, len(NAMES)).eval()


def open_gates(model: nn.Module, *values: float) -> None:
    for block, value in zip(model.attention, values, strict=True):
        nn.init.constant_(block.gate, value)


def saved(folder: Path, spec: RunSpec, model: nn.Module, paths: tuple[Path, Path]) -> Path:
    """A checkpoint of a model that counts as trained on the prepared data."""
    digest = dataset.load(*paths).sha256
    checkpoint.save(folder / "model.pt", model, spec, NAMES, digest, {"seconds": 3.0, "epochs": 2})
    return folder / "model.pt"


def evaluate(folder: Path, spec: RunSpec, model: nn.Module, paths: tuple[Path, Path]) -> dict:
    path = saved(folder, spec, model, paths)
    return evaluation.run(path, *paths, folder / "eval.json", folder / "predictions.npz", Machine("cpu", threads=1))


def logits(model: nn.Module, part: dataset.Part) -> torch.Tensor:
    """With the normalisation of the specs of these tests, image by image."""
    images = (part.images.permute(0, 3, 1, 2) / 255 - 0.3) / 0.25
    with torch.no_grad():
        return torch.cat([model(image[None]) for image in images])


# ---- metrics


def test_metrics_equal_loop():
    generator = torch.Generator().manual_seed(0)
    scores = 3 * torch.randn(200, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (200,), generator=generator)  # no image of the fourth class
    names = ["ant", "bee", "cow", "dog"]
    result = evaluation.metrics(scores, labels, names)

    confusion = [[0] * 4 for _ in names]
    loss = 0.0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        confusion[label][row.index(max(row))] += 1
        loss += math.log(sum(math.exp(score) for score in row)) - row[label]
    right = sum(confusion[i][i] for i in range(4))
    assert result["n"] == 200
    assert result["confusion"] == confusion
    assert result["accuracy"] == pytest.approx(100 * right / 200)
    assert result["error"] == pytest.approx(100 * (200 - right) / 200)
    assert result["loss"] == pytest.approx(loss / 200)
    assert result["accuracy_per_class"]["dog"] is None
    for index, name in enumerate(names[:3]):
        assert result["accuracy_per_class"][name] == pytest.approx(
            100 * confusion[index][index] / sum(confusion[index])
        )
    assert sum(confusion[0]) != sum(row[0] for row in confusion), "rows and columns differ, so a transpose shows"


def test_metrics_of_perfect_and_of_hopeless_answers():
    labels = torch.tensor([0, 1, 1])
    perfect = evaluation.metrics(50 * F.one_hot(labels, 2).double(), labels, ["a", "b"])
    assert (perfect["accuracy"], perfect["error"], perfect["confusion"]) == (100, 0, [[1, 0], [0, 2]])
    assert perfect["loss"] < 1e-20
    hopeless = evaluation.metrics(50 * F.one_hot(1 - labels, 2).double(), labels, ["a", "b"])
    assert (hopeless["accuracy"], hopeless["confusion"]) == (0, [[0, 1], [2, 0]])
    assert hopeless["accuracy_per_class"] == {"a": 0, "b": 0}
    assert hopeless["loss"] == pytest.approx(50)


# ---- use of attention


def use_of(model: nn.Module, part: dataset.Part) -> dict | None:
    return evaluation.attention_use(model, part, Normalizer(NORMALIZATION, 1, "cpu"))


def accuracy(model: nn.Module, part: dataset.Part) -> float:
    answers = logits(model, part).argmax(1).tolist()
    return 100 * sum(a == label for a, label in zip(answers, part.labels.tolist(), strict=True)) / len(part)


def test_baseline_uses_no_attention(paths):
    assert use_of(untrained(run_spec()), dataset.load(*paths).parts["test"]) is None


def test_gates_are_reported_and_bypassing_gives_the_trunk_alone(paths):
    """Trunks of one seed are equal: with attention bypassed, the accuracy is that of the untrained baseline."""
    part = dataset.load(*paths).parts["test"]
    baseline, model = untrained(run_spec()), untrained(run_spec(attention=SELFATT))
    open_gates(model, -50.0, 20.0, -3.0)
    assert accuracy(model, part) != accuracy(baseline, part)
    use = use_of(model, part)
    assert use["gates"] == [-50.0, 20.0, -3.0]
    assert use["accuracy_bypassed"] == pytest.approx(accuracy(baseline, part))


def test_with_zero_gates_nothing_is_lost_by_bypassing(paths):
    part = dataset.load(*paths).parts["test"]
    model = untrained(run_spec(attention=SELFATT))
    use = use_of(model, part)
    assert use["gates"] == [0.0, 0.0, 0.0]
    assert use["accuracy_bypassed"] == pytest.approx(accuracy(model, part))


def test_attention_without_gates_is_reported_as_such(paths):
    model = untrained(run_spec(attention=CBAM))
    assert use_of(model, dataset.load(*paths).parts["test"])["gates"] == [None, None, None]


@pytest.mark.parametrize("gates", [(-0.5, 2.0, 0.0), (1.0, 1.0, 1.0)])
def test_the_share_of_attention_is_what_it_adds_by_what_is_there(paths, gates):
    """Weighted: the gate times the block's own answer, over all images at once."""
    part = dataset.load(*paths).parts["test"]
    model = untrained(run_spec(attention=SELFATT)).eval()
    open_gates(model, *gates)
    expected = []

    def add(block, inputs, output):
        expected.append(abs(block.gate.item()) * block.block(inputs[0]).abs().mean() / inputs[0].abs().mean())

    handles = [block.register_forward_hook(add) for block in model.attention]
    normalize = Normalizer(NORMALIZATION, 1, "cpu")
    with torch.inference_mode():
        model(normalize(part.images))
    for handle in handles:
        handle.remove()
    with evaluation.attention_shares(model) as shares:
        predict.logits(model, part, normalize)
    assert shares == pytest.approx([float(value) for value in expected], rel=1e-3, abs=1e-6)


def test_a_batch_that_runs_out_of_memory_midway_counts_once(paths, monkeypatch):
    part = dataset.load(*paths).parts["test"]
    model = untrained(run_spec(attention=SELFATT))
    open_gates(model, 0.5, 1.0, -1.0)
    normalize = Normalizer(NORMALIZATION, 1, "cpu")
    monkeypatch.setitem(predict.BATCH_SIZES, "cpu", 16)
    with evaluation.attention_shares(model) as expected:
        predict.logits(model, part, normalize)

    calls = iter(range(9))

    def too_large_once(*_):
        if next(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    model.fc.register_forward_pre_hook(too_large_once)  # behind all attention blocks
    with evaluation.attention_shares(model) as shares:
        predict.logits(model, part, normalize)
    assert next(calls) == 5, "16 images, 16 in vain, three times 8"
    assert shares == pytest.approx(expected, rel=1e-5)


def test_without_a_residual_connection_or_attention_there_is_no_share(paths):
    part = dataset.load(*paths).parts["test"]
    normalize = Normalizer(NORMALIZATION, 1, "cpu")
    for attention in (None, dataclasses.replace(SELFATT, residual="none")):
        with evaluation.attention_shares(untrained(run_spec(attention=attention))) as shares:
            pass
        assert shares == [None, None, None]
        model = untrained(run_spec(attention=attention))
        with evaluation.attention_shares(model) as shares:
            predict.logits(model, part, normalize)
        assert shares == [None, None, None]


def test_model_has_its_attention_back_afterwards(paths, monkeypatch):
    part = dataset.load(*paths).parts["test"]
    model = untrained(run_spec(attention=SELFATT))
    open_gates(model, 1.0, 1.0, 1.0)
    before = logits(model, part)
    use_of(model, part)
    assert torch.equal(logits(model, part), before)

    def fail(*arguments):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(evaluation.predict, "logits", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        use_of(model, part)
    assert torch.equal(logits(model, part), before)


# ---- from files to files


@pytest.mark.parametrize(("held_out", "subset", "count"), [(0, "test", 40), (25, "validation", 25)])
def test_report_and_predictions_are_those_of_the_part_that_the_split_is_judged_by(
    paths, tmp_path, held_out, subset, count
):
    spec = run_spec(attention=SELFATT, validation_images=held_out)
    model = untrained(spec)
    open_gates(model, 0.5, 1.0, -1.0)
    report = evaluate(tmp_path, spec, model, paths)
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
    assert len(report["attention"]["shares"]) == 3
    assert all(share > 0 for share in report["attention"]["shares"])
    assert report["attention"]["accuracy_bypassed"] == pytest.approx(accuracy(untrained(run_spec()), part))


def test_report_is_what_the_json_holds_with_all_that_tables_need(paths, tmp_path):
    spec = run_spec(attention=CBAM)
    model = untrained(spec)
    report = evaluate(tmp_path, spec, model, paths)
    assert json.loads((tmp_path / "eval.json").read_text(encoding="utf-8")) == report
    assert report["spec"] == specs.plain(spec)
    assert report["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    stages = [(8 * 8, 16), (4 * 4, 32), (2 * 2, 64)]
    trunk = 64 * 16 * 9 + sum(n * c * 9 * (c if c == 16 else c // 2) + n * c * c * 9 for n, c in stages) + 64 * 3
    assert report["multiply_adds"] == trunk + sum(4 * c * (c // 16) + n * 2 * 49 for n, c in stages)
    assert report["training"] == {"seconds": 3.0, "epochs": 2}
    assert report["data_sha256"] == dataset.load(*paths).sha256
    assert report["versions"] == {"training": checkpoint.versions(), "evaluation": checkpoint.versions()}


def test_baseline_reports_no_attention(paths, tmp_path):
    assert evaluate(tmp_path, run_spec(), untrained(run_spec()), paths)["attention"] is None


def test_evaluating_twice_gives_the_same_bytes(paths, tmp_path):
    spec = run_spec(attention=SELFATT)
    for name in ("first", "second"):
        evaluate(tmp_path / name, spec, untrained(spec), paths)
    assert (tmp_path / "first" / "eval.json").read_bytes() == (tmp_path / "second" / "eval.json").read_bytes()


@pytest.mark.parametrize("other", [{"seed": 1}, {"train": 90}, {"channels": 3}, {"size": 9}], ids=str)
def test_checkpoint_of_other_data_is_refused(paths, tmp_path, other):
    spec = run_spec(validation_images=25)
    path = saved(tmp_path, spec, untrained(spec), paths)
    other_paths = write_prepared(tmp_path / "other", separable(**other))
    with pytest.raises(CheckpointError, match="data that differ") as caught:
        evaluation.run(
            path, *other_paths, tmp_path / "eval.json", tmp_path / "predictions.npz", Machine("cpu", threads=1)
        )
    assert str(path) in str(caught.value)
    assert not (tmp_path / "eval.json").exists()
    assert not (tmp_path / "predictions.npz").exists()


def test_missing_checkpoint_and_damaged_data_are_refused(paths, tmp_path):
    outputs = tmp_path / "eval.json", tmp_path / "predictions.npz"
    with pytest.raises(CheckpointError, match=r"model\.pt"):
        evaluation.run(tmp_path / "model.pt", *paths, *outputs, Machine("cpu", threads=1))
    path = saved(tmp_path, run_spec(), untrained(run_spec()), paths)
    damaged = tmp_path / "data.npz"
    damaged.write_bytes(paths[0].read_bytes()[:-100])
    with pytest.raises(DataError, match=r"data\.npz"):
        evaluation.run(path, damaged, paths[1], *outputs, Machine("cpu", threads=1))
    assert not any(output.exists() for output in outputs)


@pytest.mark.parametrize("place", ["load", "logits"])
def test_too_little_memory_is_named_and_leaves_no_file(paths, tmp_path, monkeypatch, place):
    def too_large(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    spec = run_spec()
    path = saved(tmp_path, spec, untrained(spec), paths)
    monkeypatch.setattr({"load": dataset, "logits": evaluation.predict}[place], place, too_large)
    with pytest.raises(DeviceError) as caught:
        evaluation.run(path, *paths, tmp_path / "eval.json", tmp_path / "predictions.npz", Machine("cpu", threads=1))
    assert str(caught.value) == f"{path}: out of memory; run fewer at once"
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]
