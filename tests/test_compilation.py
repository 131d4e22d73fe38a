"""When the model is compiled for training."""

import importlib.util

import pytest
import torch
from torch import nn

from cnntention.training.compilation import STEPS_WORTH_IT, choose

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LONG = STEPS_WORTH_IT


@pytest.fixture
def triton(monkeypatch):
    """Call it with whether Triton is installed."""
    find = importlib.util.find_spec
    there = find("json")

    def installed(is_installed: bool):
        spec = there if is_installed else None
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "triton" else find(name))

    return installed


def test_a_long_training_on_a_gpu_is_compiled(triton):
    triton(True)
    assert choose("auto", CUDA, LONG, False).on


@pytest.mark.parametrize(
    ("name", "device", "steps", "deterministic", "installed", "reason"),
    [
        ("off", CUDA, LONG, False, True, "machine.compile is off"),
        ("auto", CPU, LONG, False, True, "only CUDA GPUs gain"),
        ("auto", CUDA, LONG - 1, False, True, "over before it pays"),
        ("auto", CUDA, LONG, True, True, "machine.deterministic"),
        ("auto", CUDA, LONG, False, False, "Triton is not installed"),
    ],
)
def test_otherwise_it_is_not_and_the_reason_is_said(triton, name, device, steps, deterministic, installed, reason):
    triton(installed)
    chosen = choose(name, device, steps, deterministic)
    assert not chosen.on
    assert reason in chosen.reason
    model = nn.Linear(2, 2)
    assert chosen(model) is model


def test_a_compiled_model_shares_its_weights(triton):
    triton(True)
    model = nn.Linear(2, 2)
    compiled = choose("auto", CUDA, LONG, False)(model)
    assert compiled is not model
    assert [*map(id, compiled.parameters())] == [*map(id, model.parameters())]
