"""When the model is compiled for training, and that a compiled one computes the same."""

import importlib.util
import shutil

import pytest
import torch
from torch import nn

from cnntention.attention.registry import create
from cnntention.training import compilation
from cnntention.training.compilation import STEPS_WORTH_IT, Compilation, choose

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
LONG = STEPS_WORTH_IT


@pytest.fixture
def tools(monkeypatch):
    """Call it with whether the compilers are installed, Triton and that for C++."""
    find = importlib.util.find_spec
    there = find("json")

    def installed(is_installed: bool):
        spec = there if is_installed else None
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "triton" else find(name))
        monkeypatch.setattr(compilation, "_has_cpp", lambda: is_installed)

    return installed


@pytest.mark.parametrize(("device", "precision"), [(CUDA, "fp32"), (CUDA, "bf16"), (CPU, "bf16")])
def test_a_long_training_is_compiled(tools, device, precision):
    tools(True)
    assert choose("auto", device, LONG, False, precision).on


@pytest.mark.parametrize(
    ("name", "device", "steps", "deterministic", "precision", "installed", "reason"),
    [
        ("off", CUDA, LONG, False, "bf16", True, "machine.compile is off"),
        ("off", CPU, LONG, False, "bf16", True, "machine.compile is off"),
        ("auto", MPS, LONG, False, "fp32", True, "only CUDA GPUs and CPUs gain"),
        ("auto", CPU, LONG, False, "fp32", True, "the same bits with any compiler"),
        ("auto", CUDA, LONG - 1, False, "bf16", True, "over before it pays"),
        ("auto", CPU, LONG - 1, False, "bf16", True, "over before it pays"),
        ("auto", CUDA, LONG, True, "bf16", True, "machine.deterministic"),
        ("auto", CUDA, LONG, False, "bf16", False, "Triton is not installed"),
        ("auto", CPU, LONG, False, "bf16", False, "a C++ compiler is not installed"),
    ],
)
def test_otherwise_it_is_not_and_the_reason_is_said(
    tools, name, device, steps, deterministic, precision, installed, reason
):
    tools(installed)
    chosen = choose(name, device, steps, deterministic, precision)
    assert not chosen.on
    assert reason in chosen.reason
    model = nn.Linear(2, 2)
    assert chosen(model) is model


def test_a_compiler_without_headers_or_headers_without_a_compiler_are_none(monkeypatch, tmp_path):
    compiler = tmp_path / "compiler"
    compiler.touch(mode=0o755)
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(compilation.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("CXX", str(compiler))
    assert compilation._has_cpp()
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    assert not compilation._has_cpp()
    monkeypatch.setenv("CXX", str(compiler))
    (tmp_path / "Python.h").unlink()
    assert not compilation._has_cpp()


def test_a_compiled_model_shares_its_weights(tools):
    tools(True)
    model = nn.Linear(2, 2)
    compiled = choose("auto", CUDA, LONG, False, "bf16")(model)
    assert compiled is not model
    assert [*map(id, compiled.parameters())] == [*map(id, model.parameters())]


def gradients(model: nn.Module, forward, number: torch.dtype = torch.bfloat16) -> torch.Tensor:
    """Of a step in a number format: the scores and the gradients of all parameters, one after the other."""
    model.zero_grad()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(16, 3, 8, 8, generator=generator).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", number, enabled=number != torch.float32):
        scores = forward(images)
    scores.float().square().mean().backward()
    return torch.cat([tensor.detach().float().flatten() for tensor in (scores, *(p.grad for p in model.parameters()))])


@pytest.mark.skipif(not compilation._has_cpp(), reason="no C++ compiler with the headers of Python")
def test_a_compiled_step_on_the_cpu_is_the_step():
    """With what the compiler wrote, no farther from fp32 than the model as it is."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), create("cbam", 16, reduction=8))
    model.to(memory_format=torch.channels_last)
    torch._dynamo.utils.counters.clear()
    exact, rounded = gradients(model, model, torch.float32), gradients(model, model)
    with torch._dynamo.config.patch(suppress_errors=False):  # puts back what compiling sets
        compiled = gradients(model, Compilation(True, "")(model))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert not torch.equal(compiled, rounded)
    assert 0 < (rounded - exact).norm() < 0.2 * exact.norm()
    assert (compiled - exact).norm() < 1.5 * (rounded - exact).norm()


@pytest.mark.skipif(not shutil.which("false"), reason="no program that fails")
def test_a_compiler_that_fails_costs_the_speed_alone():
    """A model that no cache knows, since its width is its own."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 13, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(7))
    as_it_is = gradients(model, model)
    with torch._dynamo.config.patch(suppress_errors=False), torch._inductor.config.patch({"cpp.cxx": ("false",)}):
        assert torch.equal(gradients(model, Compilation(True, "")(model)), as_it_is)
