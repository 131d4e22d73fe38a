import pytest
import torch
from run_specs import SELFATT, quiet, run_spec
from test_dataset import separable, write_prepared

from cnntention.data import dataset
from cnntention.network.specs import Attention
from cnntention.training import pace
from cnntention.training import train as step
from cnntention.training.training import Training


def test_long_steps_are_told_of_beforehand_and_nothing_changes(tmp_path, monkeypatch):
    data = dataset.load(*write_prepared(tmp_path, separable()))
    told, other = (Training(run_spec({"epochs": 1}, attention=SELFATT), data, torch.device("cpu")) for _ in range(2))
    assert pace.remark(told) is None
    monkeypatch.setattr(pace, "POSITIONS", 64)
    assert pace.remark(told) is None
    monkeypatch.setattr(pace, "LONG_STEP_S", 0.0)
    assert "since attention compares each of 8x8 positions with each" in pace.remark(told)
    assert "datasets.separable.image_size" in pace.remark(told)
    for training in (told, other):
        step.finish(training, quiet)
    for name, value in told.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name


def test_a_network_without_attention_is_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "POSITIONS", 0)
    monkeypatch.setattr(pace, "LONG_STEP_S", 0.0)
    data = dataset.load(*write_prepared(tmp_path, separable()))
    assert pace.remark(Training(run_spec(), data, torch.device("cpu"))) is None


POOLED = """
from torch import nn
from cnntention.attention.registry import register

@register("pooled")
class Pooled(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x):
        return x * self.norm(x.mean((2, 3)))[:, :, None, None]
"""


@pytest.fixture
def pooled(tmp_path, monkeypatch) -> Training:
    """With batch norm of one value an image and channel, which cannot be trained on one image."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pooled.py").write_text(POOLED)
    monkeypatch.setattr(pace, "POSITIONS", 64)
    monkeypatch.setattr(pace, "LONG_STEP_S", 0.0)
    data = dataset.load(*write_prepared(tmp_path, separable()))
    spec = run_spec({"epochs": 1}, attention=Attention("pooled.py:Pooled", "plain", {}))
    return Training(spec, data, torch.device("cpu"))


def test_several_images_are_tried_by_the_model_as_it_is_not_compiled(pooled, monkeypatch):
    def compiled(images):
        raise AssertionError("it would be compiled once more, for a batch of another size")

    monkeypatch.setattr(pooled.step, "forward", compiled)
    assert "a step takes" in pace.remark(pooled)
