"""When the model is compiled for training, and that a compiled one computes the same."""

import importlib.util
import shutil

import pytest
import torch
from run_specs import CBAM, run, run_spec
from test_dataset import separable, write_prepared
from torch import nn

from cnntention.attention.registry import create
from cnntention.training import checkpoint, compilation
from cnntention.training import train as step
from cnntention.training.compilation import COST_S, Compilation, choose, compiled, seconds_saved
from cnntention.training.state import State

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
PIXELS = 128 * 32 * 32
LONG = 64_000


@pytest.fixture
def tools(monkeypatch):
    """Call it with what a machine lacks of the tools that kernels are compiled with."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)

    def lack(missing: str = ""):
        monkeypatch.setattr(compilation, "_missing_tool", lambda device: missing)

    return lack


@pytest.mark.parametrize(("device", "precision"), [(CUDA, "fp32"), (CUDA, "bf16"), (CPU, "bf16")])
def test_a_long_training_is_compiled(tools, device, precision):
    tools()
    assert choose("auto", device, LONG, PIXELS, False, precision).on


@pytest.mark.parametrize(
    ("name", "device", "steps", "deterministic", "precision", "missing", "reason"),
    [
        ("off", CUDA, LONG, False, "bf16", "", "machine.compile is off"),
        ("off", CPU, LONG, False, "bf16", "", "machine.compile is off"),
        ("auto", MPS, LONG, False, "fp32", "", "only CUDA GPUs and CPUs gain"),
        ("auto", CPU, LONG, False, "fp32", "", "the same bits with any compiler"),
        ("auto", CUDA, 1_000, False, "bf16", "", "1,000 steps are too few to repay compiling"),
        ("auto", CPU, 100, False, "bf16", "", "100 steps are too few to repay compiling"),
        ("auto", CUDA, LONG, True, "bf16", "", "machine.deterministic"),
        ("auto", CUDA, LONG, False, "bf16", "Triton is not installed", "Triton is not installed"),
        ("auto", CPU, LONG, False, "bf16", "no compiler", "no compiler"),
    ],
)
def test_otherwise_it_is_not_and_the_reason_is_said(
    tools, name, device, steps, deterministic, precision, missing, reason
):
    tools(missing)
    chosen = choose(name, device, steps, PIXELS, deterministic, precision)
    assert not chosen.on
    assert reason in chosen.reason
    model = nn.Linear(2, 2)
    assert compiled(chosen, model, never) == (chosen, model)


def never(_):
    raise AssertionError("nothing is tried")


def test_the_break_even_is_that_of_the_times_that_were_measured(tools, monkeypatch):
    """20 epochs of 352 steps on CIFAR-10 took 125 s each, and 100 s each compiled, with one thread."""
    assert seconds_saved(CPU, 20 * 352, PIXELS) == pytest.approx(20 * (125 - 100), rel=0.1)
    assert choose("auto", CPU, 20 * 352, PIXELS, False, "bf16").on
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert seconds_saved(CPU, 20 * 352, PIXELS) == pytest.approx(10 * (125 - 100), rel=0.1)
    demo = seconds_saved(CPU, 8 * 45, 32 * 16 * 16)
    assert demo < COST_S / 10


@pytest.mark.parametrize(
    ("device", "there", "missing"),
    [
        (CUDA, {"triton", "gcc", "Python.h"}, ""),
        (CUDA, {"triton", "clang", "Python.h"}, ""),
        (CUDA, {"gcc", "Python.h"}, "Triton is not installed"),
        (CUDA, {"triton", "g++", "Python.h"}, "a C compiler (gcc or clang) is not installed"),
        (CUDA, {"triton", "gcc"}, "the C headers of Python (Python.h) are not installed"),
        (CPU, {"g++", "Python.h"}, ""),
        (CPU, {"gcc", "Python.h"}, "a C++ compiler (g++) is not installed"),
        (CPU, {"g++"}, "the C headers of Python (Python.h) are not installed"),
    ],
)
def test_a_missing_tool_is_named(monkeypatch, tmp_path, device, there, missing):
    for name in there:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in there else None)
    monkeypatch.setattr(compilation.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in ("CC", "CXX"):
        monkeypatch.delenv(variable, raising=False)
    assert compilation._missing_tool(device) == missing


@pytest.mark.parametrize(("device", "variable"), [(CUDA, "CC"), (CPU, "CXX")])
def test_the_compiler_that_the_environment_names_is_the_one(monkeypatch, tmp_path, device, variable):
    monkeypatch.setattr(compilation.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(compilation.sysconfig, "get_path", lambda name: str(tmp_path))
    (tmp_path / "Python.h").touch()
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    assert "compiler" in compilation._missing_tool(device)
    (tmp_path / "none").touch(mode=0o755)
    assert compilation._missing_tool(device) == ""


def gradients(model: nn.Module, forward, number: torch.dtype = torch.bfloat16) -> torch.Tensor:
    """Of a step in a number format: the scores and the gradients of all parameters, one after the other."""
    model.zero_grad()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(16, 3, 8, 8, generator=generator).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", number, enabled=number != torch.float32):
        scores = forward(images)
    scores.float().square().mean().backward()
    return torch.cat([tensor.detach().float().flatten() for tensor in (scores, *(p.grad for p in model.parameters()))])


needs_compiler = pytest.mark.skipif(
    bool(compilation._missing_tool(CPU)), reason="no C++ compiler with Python's headers"
)
WANTED = Compilation(True, "wanted")


@needs_compiler
def test_a_compiled_step_on_the_cpu_is_the_step():
    """With what the compiler wrote, no farther from fp32 than the model as it is."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), create("cbam", 16, reduction=8))
    model.to(memory_format=torch.channels_last)
    torch._dynamo.utils.counters.clear()
    exact, rounded = gradients(model, model, torch.float32), gradients(model, model)
    statistics, drawn = model[1].running_mean.clone(), torch.random.get_rng_state()
    used, forward = compiled(WANTED, model, lambda forward: gradients(model, forward))
    assert used.on
    assert used.reason.startswith("wanted; it took ")
    assert [*map(id, forward.parameters())] == [*map(id, model.parameters())]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert torch.equal(model[1].running_mean, statistics), "nothing of the trial is left in the model"
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), drawn)

    result = gradients(model, forward)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1, "compiled once, before the first step"
    assert not torch.equal(result, rounded)
    assert 0 < (rounded - exact).norm() < 0.2 * exact.norm()
    assert (result - exact).norm() < 1.5 * (rounded - exact).norm()


@pytest.mark.skipif(not shutil.which("false"), reason="no program that fails")
def test_a_compiler_that_fails_costs_the_speed_alone_and_is_reported(capfd):
    """A model that no cache knows, since its width is its own."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 13, 3), nn.Dropout(0.5), nn.ReLU(), nn.Flatten(), nn.LazyLinear(7))
    gradients(model, model)
    model.zero_grad()
    drawn = torch.random.get_rng_state()
    with torch._inductor.config.patch({"cpp.cxx": ("false",)}):
        used, forward = compiled(WANTED, model, lambda forward: gradients(model, forward))
    assert forward is model
    assert not used.on
    assert used.reason.startswith("machine.compile is auto, and compiling failed: ")
    assert "C++ compiler" in used.reason
    assert "\n" not in used.reason
    assert capfd.readouterr() == ("", ""), "the reason is all that is said"
    assert torch.equal(torch.random.get_rng_state(), drawn)


@needs_compiler
def test_a_backward_pass_that_cannot_be_compiled_is_found_out_before_the_first_step(monkeypatch):
    from torch._inductor.lowering import lowerings

    def fail(*_):
        raise NotImplementedError("no backward pass")

    monkeypatch.setitem(lowerings, torch.ops.aten.sum.dim_IntList, fail)  # of the bias's gradient
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    with (
        torch._inductor.config.patch(fx_graph_cache=False),
        torch._functorch.config.patch(enable_autograd_cache=False),
    ):
        used, forward = compiled(WANTED, model, lambda forward: gradients(model, forward, torch.float32))
    assert (used.on, forward) == (False, model)
    assert "no backward pass" in used.reason


def test_a_device_out_of_memory_is_no_fault_of_the_compiler():
    def too_large(_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with pytest.raises(torch.OutOfMemoryError):
        compiled(WANTED, nn.Linear(2, 2), too_large)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one line", "one line"),
        ("backend='inductor' raised:\nOSError: x.so: not permitted\n\nSet TORCHDYNAMO", "OSError: x.so: not permitted"),
        (
            "C++ compile error\n\nCommand:\ng++ x\nx.h:1: fatal error: no space\nerror: 2",
            "C++ compile error: x.h:1: fatal error: no space",
        ),
        ("", "ValueError"),
    ],
)
def test_a_compilers_words_become_one_line(text, line):
    assert compilation._in_a_line(ValueError(text)) == line


# ---- in a training


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


@pytest.fixture
def compiles(monkeypatch):
    """Has a training compiled however short it is, by what is given in place of ``torch.compile``."""

    def by(compiler):
        monkeypatch.setattr(compilation, "choose", lambda *_: WANTED)
        monkeypatch.setattr(torch, "compile", compiler)

    return by


@pytest.fixture
def keys(monkeypatch) -> list[str]:
    """Of the states of all trainings."""
    found: list[str] = []

    class Noted(State):
        def __init__(self, path, key):
            found.append(key)
            super().__init__(path, key)

    monkeypatch.setattr(step, "State", Noted)
    return found


def weights(training) -> list[torch.Tensor]:
    return list(training.model.state_dict().values())


def test_batches_of_each_size_are_tried_before_the_first_step_and_leave_no_trace(paths, tmp_path, compiles, keys):
    """By a compiler that changes nothing: 60 images make batches of 16 and one of 12."""
    eager = run(tmp_path / "eager", paths, run_spec(attention=CBAM))
    sizes: list[int] = []

    def compiler(model, dynamic):
        def forward(images):
            assert model.training
            sizes.append(len(images))
            return model(images)

        return forward

    compiles(compiler)
    lines: list[str] = []
    training = run(tmp_path / "compiled", paths, run_spec(attention=CBAM), lines.append)
    assert sorted(sizes[:2]) == [12, 16]
    assert sizes[2:] == [16, 16, 16, 12] * 2
    assert all(map(torch.equal, weights(training), weights(eager)))
    assert any(line.startswith("compile    on: wanted; it took ") for line in lines)
    records = [checkpoint.load(tmp_path / folder / "model.pt").training["compiled"] for folder in ("eager", "compiled")]
    assert records == [False, True]
    assert keys[0] != keys[1]


def test_a_run_that_cannot_be_compiled_is_an_eager_one_in_log_record_and_key(paths, tmp_path, compiles, keys):
    def compiler(model, dynamic):
        def forward(images):
            scores = model(images)
            if len(images) == 12:
                raise OSError("x.so: failed to map segment from shared object\nand more")
            return scores

        return forward

    eager = run(tmp_path / "eager", paths, run_spec())
    compiles(compiler)
    lines: list[str] = []
    training = run(tmp_path / "failing", paths, run_spec(), lines.append)
    assert [line for line in lines if line.startswith("compile")] == [
        "compile    off: machine.compile is auto, and compiling failed: x.so: failed to map segment from shared object"
    ]
    assert all(map(torch.equal, weights(training), weights(eager)))
    assert checkpoint.load(tmp_path / "failing/model.pt").training["compiled"] is False
    assert keys[0] == keys[1]
