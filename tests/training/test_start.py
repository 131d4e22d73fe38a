"""Trainings that begin with the trained trunk of another run: what stays as it is, and what does not."""

import dataclasses
from pathlib import Path

import pytest
import torch
from run_specs import MHA, SELFATT, files_in, quiet, run, run_spec
from test_dataset import separable, write_prepared

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError
from cnntention.base.layout import DataFiles
from cnntention.data import dataset
from cnntention.training import checkpoint
from cnntention.training import start as starts
from cnntention.training import train as step
from cnntention.training.specs import RunSpec, Start
from cnntention.training.training import Training

torch.set_num_threads(1)

CPU = torch.device("cpu")
BASELINE = run_spec({"epochs": 1}, model="baseline")
START = Start("baseline", "attention", specs.digest(BASELINE))


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


@pytest.fixture(scope="module")
def baseline(tmp_path_factory, paths) -> Path:
    """The checkpoint of a trained model without attention."""
    folder = tmp_path_factory.mktemp("baseline")
    run(folder, paths, BASELINE)
    return files_in(folder).model


def train_from(spec: RunSpec, baseline: Path | None, paths: tuple[Path, Path], folder: Path) -> dict[str, torch.Tensor]:
    """The weights after training."""
    step.train(spec, files_in(folder), DataFiles(*paths), Machine("cpu", threads=1), quiet, start=baseline)
    return checkpoint.load(files_in(folder).model).model.state_dict()


@pytest.mark.parametrize("placement", ["stage", "block"])
def test_a_frozen_trunk_stays_to_the_bit_and_all_of_attention_is_trained(baseline, paths, tmp_path, placement):
    """Statistics of batch norm and their counters included; the gates among attention's weights."""
    spec = run_spec(attention=dataclasses.replace(SELFATT, placement=placement), start=START)
    before = Training(spec, dataset.load(*paths), CPU, trunk=starts.load(spec, baseline, dataset.load(*paths).sha256))
    initial = {name: tensor.clone() for name, tensor in before.model.state_dict().items()}
    trunk = checkpoint.load(baseline).model.state_dict()
    after = train_from(spec, baseline, paths, tmp_path)
    assert {name for name in after if "attention" not in name} == trunk.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in trunk.items())
    assert [name for name in after if "attention" in name and torch.equal(after[name], initial[name])] == []


def test_with_closed_gates_it_begins_with_the_answers_of_its_start(baseline, paths):
    data = dataset.load(*paths)
    spec = run_spec(attention=MHA, start=START)
    started = Training(spec, data, CPU, trunk=starts.load(spec, baseline, data.sha256))
    images = torch.randn(8, 1, *data.image_shape[:2])
    with torch.no_grad():
        torch.testing.assert_close(started.model.eval()(images), checkpoint.load(baseline).model(images))


@pytest.mark.parametrize("attention", [None, SELFATT], ids=["plain", "selfatt"])
def test_all_weights_are_trained_on(baseline, paths, tmp_path, attention):
    start = dataclasses.replace(START, train="all")
    after = train_from(run_spec(attention=attention, start=start), baseline, paths, tmp_path)
    trunk = checkpoint.load(baseline).model.state_dict()
    assert [name for name, tensor in trunk.items() if torch.equal(after[name], tensor)] == []


def test_an_interrupted_training_with_a_frozen_trunk_goes_on_to_the_same_bits(baseline, paths):
    data = dataset.load(*paths)
    spec = run_spec(attention=SELFATT, start=START)
    trunk = starts.load(spec, baseline, data.sha256)
    straight, first, second = (Training(spec, data, CPU, trunk=trunk) for _ in range(3))
    step.finish(straight, quiet)
    first.run_epoch()
    first.close_epoch(first.judge())
    second.restore(first.state())
    step.finish(second, quiet)
    expected = straight.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in second.model.state_dict().items())


def test_a_start_that_is_missing_or_of_another_config_is_refused(baseline, paths, tmp_path):
    other = run_spec(attention=SELFATT, start=dataclasses.replace(START, digest="0" * 16))
    with pytest.raises(CheckpointError, match=r"by another config than this one; train separable/baseline/full/seed10"):
        train_from(other, baseline, paths, tmp_path)
    with pytest.raises(CheckpointError, match=r"absent\.pt: no such file; train this run first"):
        train_from(run_spec(attention=SELFATT, start=START), tmp_path / "absent.pt", paths, tmp_path)
    assert not files_in(tmp_path).model.exists()


def test_a_spec_without_a_start_is_what_it_was():
    assert "start" not in specs.plain(run_spec())
    spec = run_spec(start=START)
    assert specs.read(RunSpec, specs.canonical(spec)) == spec
    assert str(spec.start_run) == "separable/baseline/full/seed10"
