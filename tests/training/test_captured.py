"""Whether steps can be captured is tried before the first one. What is captured: tests/pretended_gpu/."""

import dataclasses

import pytest
import torch
from run_specs import CBAM, quiet, run_spec
from test_dataset import separable, write_prepared

from cnntention.base.device import Machine
from cnntention.data import dataset
from cnntention.training import captured, train, training
from cnntention.training.captured import Capture
from cnntention.training.plan import Plan
from cnntention.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture
def finished(monkeypatch, tmp_path):
    """Trains a run whose steps are to be captured, where capturing does as it is told; returns the training."""
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(training, "rates_in_tensors", lambda *arguments: None)

    def finish(capture: Capture, error: Exception | None = None, images: int = 60) -> Training:
        class StandIn:
            def __init__(self, step):
                self.step = step

            def __call__(self, epoch):
                self.step(epoch)
                if error:
                    raise error

        monkeypatch.setattr(captured, "Captured", StandIn)
        monkeypatch.setattr(training, "Captured", StandIn)
        spec = run_spec(attention=CBAM)
        data = dataset.load(*write_prepared(tmp_path / str(images), separable(train=images)))
        plan = dataclasses.replace(Plan.choose(spec, data, CPU, Machine("cpu")), capture=capture)
        done = Training(spec, data, CPU, plan)
        train.finish(done, quiet)
        return done

    return finish


@pytest.fixture
def plain(finished):
    return finished(Capture(False, ""))


def assert_same(a: Training, b: Training) -> None:
    values = b.model.state_dict()
    assert all(torch.equal(value, values[name]) for name, value in a.model.state_dict().items())


def test_what_is_tried_leaves_no_trace(finished, plain):
    tried = finished(Capture(True, ""))
    assert tried.plan.capture.on
    assert_same(tried, plain)


def test_where_it_fails_the_plan_says_so_and_the_run_is_one_without(finished, plain):
    failed = finished(Capture(True, ""), RuntimeError("operation not permitted\nwhen stream is capturing"))
    reason = "a step cannot be captured (operation not permitted when stream is capturing)"
    assert failed.plan.capture == Capture(False, reason)
    assert failed.plan.deciding == plain.plan.deciding
    assert_same(failed, plain)


def test_too_little_memory_is_told_as_such(finished):
    with pytest.raises(torch.OutOfMemoryError):
        finished(Capture(True, ""), torch.OutOfMemoryError("CUDA out of memory"))


def test_without_a_whole_batch_there_is_nothing_to_capture(finished):
    assert not finished(Capture(True, ""), images=10).plan.capture.on
