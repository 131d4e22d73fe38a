"""The operator for the CPU against attention written out in float64, and what stands in for it where it is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from torch import Tensor

from cnntention.attention import heads as heads_module
from cnntention.attention import kernel
from cnntention.attention.cpu import build, operator
from cnntention.network.specs import Attention

CPU = torch.device("cpu")
MHA = Attention("mha", "weighted", {"heads": 8})
ON = kernel.Kernel("avx512-0123456789ab", "asked for by a test")


@pytest.fixture(scope="module", autouse=True)
def built():
    """Built once, into torch's own cache, where the next session finds it."""
    try:
        operator.load()
    except build.BuildError as error:
        pytest.skip(f"no operator on this machine: {error}")


@pytest.fixture(autouse=True)
def kernel_of_before(monkeypatch):
    monkeypatch.setattr(kernel, "_in_use", ON)


def written_out(q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float) -> Tensor:
    """``[B, C, N]`` with all weights as a matrix."""
    batch, channels, positions = q.shape
    q, k, v = (x.reshape(batch, heads, channels // heads, -1).transpose(2, 3) for x in (q, k, v))
    weights = torch.softmax(q @ k.transpose(2, 3) * scale, dim=-1)
    return (weights @ v).transpose(2, 3).reshape(batch, channels, positions)


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_equals_float64(q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float, tolerance: float) -> None:
    """Result and gradients, each within a share of its largest number (of 1, where all are smaller)."""
    direction = numbers(*q.shape, seed=9).to(q.dtype)
    inputs = [x.detach().requires_grad_() for x in (q, k, v)]
    exact = [x.detach().double().requires_grad_() for x in (q, k, v)]
    result, expected = operator.attention(*inputs, heads, scale), written_out(*exact, heads, scale)
    actual = [result, *torch.autograd.grad(result, inputs, direction)]
    reference = [expected, *torch.autograd.grad(expected, exact, direction.double())]
    for name, ours, theirs in zip(("result", "dq", "dk", "dv"), actual, reference, strict=True):
        assert ours.dtype == q.dtype
        error = (ours.double() - theirs).abs().max() / theirs.abs().max().clamp(min=1)
        assert error < tolerance, (name, error)  # not so with NaN


# ---- numbers


@pytest.mark.parametrize("depth", [*range(1, 17), 17, 32, 64])
def test_result_and_gradients_equal_those_in_float64(depth):
    for positions in (1, 2, 7, 16, 33, 64, 77, 130):
        q, k, v = (numbers(2, 3 * depth, positions, seed=seed) for seed in range(3))
        assert_equals_float64(q, k, v, 3, depth**-0.5, 4e-6)


@pytest.mark.parametrize("depth", [2, 16])
def test_a_thousand_positions(depth):
    q, k, v = (numbers(1, 2 * depth, 1021, seed=seed) for seed in range(3))
    assert_equals_float64(q, k, v, 2, depth**-0.5, 1e-5)


@pytest.mark.parametrize("depth", [1, 2, 4, 7, 8, 12, 16, 32])
def test_bfloat16_is_rounded_once(depth):
    """2^-8 is the spacing of bfloat16 beside 1; the gradients' product with the rounded result counts with it."""
    for positions in (5, 64, 150):
        q, k, v = (numbers(2, 2 * depth, positions, seed=seed, dtype=torch.bfloat16) for seed in range(3))
        assert_equals_float64(q, k, v, 2, depth**-0.5, 0.015)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("depth", [1, 2, 5, 16, 20])
@pytest.mark.parametrize("score", [-1e4, -500.0, 59.0, 61.0, 500.0, 1e4])
def test_equal_scores_of_any_size_give_the_mean(depth, score, dtype):
    """Neither overflow nor NaN; keys and queries behind the last one, which fill up vectors, have a score of 0."""
    k = torch.ones(1, depth, 21, dtype=dtype)
    v = numbers(1, depth, 21, dtype=dtype)
    assert_equals_float64(score * k, k, v, 1, 1 / depth, 0.015 if dtype == torch.bfloat16 else 5e-3)


@pytest.mark.parametrize("depth", [1, 2, 16])
@pytest.mark.parametrize("size", [30.0, 100.0])
def test_scores_of_ten_thousand_of_either_sign_choose_one_key(depth, size):
    q, k, v = (factor * numbers(2, depth, 45, seed=seed) for seed, factor in enumerate((size, size, 1)))
    assert (torch.einsum("bdi,bdj->bij", q, k)).abs().max() > 4e3
    result = operator.attention(q, k, v, 1, 1.0)
    expected = written_out(q.double(), k.double(), v.double(), 1, 1.0)
    torch.testing.assert_close(result.double(), expected, rtol=1e-2, atol=1e-3)
    gradients = torch.ops.cnntention.attention_backward(
        v, q, k, v, *torch.ops.cnntention.attention(q, k, v, 1.0, 1), 1.0, 1
    )
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("depth", [2, 16])
def test_one_key_is_looked_at_whatever_its_score(depth):
    q, k, v = numbers(2, depth, 1) * 100, numbers(2, depth, 1, seed=1) * 100, numbers(2, depth, 1, seed=2)
    torch.testing.assert_close(operator.attention(q, k, v, 1, 1.0), v, rtol=1e-6, atol=0)


@pytest.mark.parametrize("depth", [2, 16])
def test_nan_is_passed_on(depth):
    q, k, v = (numbers(1, depth, 40, seed=seed) for seed in range(3))
    k[0, 0, 3] = torch.nan
    assert operator.attention(q, k, v, 1, 1.0).isnan().all()


@pytest.mark.parametrize(("exact", "tolerance"), [(True, 1.5e-7), (False, 7.6e-5)])
def test_powers_of_two_are_as_exact_as_is_said(exact, tolerance):
    x = torch.cat([torch.linspace(-125, 100, 200_001), torch.arange(-125.0, 100)])[:200_224]
    assert x.numel() % 16 == 0
    powers = torch.ops.cnntention.powers(x, exact, 1).double()
    assert (powers / torch.exp2(x.double()) - 1).abs().max() < tolerance
    assert torch.ops.cnntention.powers(torch.full((16,), -1e5), exact, 1).max() <= 2.0**-126


# ---- layouts


LAYOUTS = {
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "sliced": lambda x: torch.cat([x, x], 1)[:, 1 : 1 + x.shape[1]],
    "rows and columns exchanged": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "one image for all": lambda x: x[:1].expand(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("heads", [1, 4])
def test_any_layout_gives_the_same_numbers(layout, heads):
    maps = [LAYOUTS[layout](numbers(2, 16, 5, 9, seed=seed)).detach().requires_grad_() for seed in range(3)]
    plain = [x.detach().contiguous().requires_grad_() for x in maps]
    direction = LAYOUTS[layout](numbers(2, 16, 5, 9, seed=4))
    ours, expected = (heads_module.attend(*inputs, heads, 0.5) for inputs in (maps, plain))
    assert torch.equal(ours, expected)
    gradients = (torch.autograd.grad(result, x, direction) for result, x in ((ours, maps), (expected, plain)))
    for actual, wanted in zip(*gradients, strict=True):
        assert torch.equal(actual, wanted)


def test_a_sum_has_a_gradient_without_strides():
    q, k, v = (numbers(2, 4, 30, seed=seed).requires_grad_() for seed in range(3))
    (ones,) = torch.autograd.grad(operator.attention(q, k, v, 2, 1.0).sum(), v)
    (expected,) = torch.autograd.grad(written_out(q, k, v, 2, 1.0).sum(), v)
    torch.testing.assert_close(ones, expected, rtol=1e-5, atol=1e-5)


def test_channels_last_stays_channels_last():
    maps = [numbers(2, 16, 6, 6, seed=seed).contiguous(memory_format=torch.channels_last) for seed in range(3)]
    assert heads_module.attend(*maps, 8, 1.0).is_contiguous(memory_format=torch.channels_last)


# ---- in torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("depth", [2, 16])
def test_bits_are_the_same_from_run_to_run_and_with_any_number_of_threads(depth, dtype):
    maps = [numbers(3, 2 * depth, 10, 13, seed=seed, dtype=dtype).requires_grad_() for seed in range(3)]
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 2, 3):
            torch.set_num_threads(threads)
            result = heads_module.attend(*maps, 2, 0.7)
            found.append([result, *torch.autograd.grad(result.square().sum(), maps)])
    finally:
        torch.set_num_threads(before)
    for again in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], again, strict=True))


def test_torch_compile_takes_it_whole():
    maps = [numbers(2, 16, 6, 6, seed=seed).requires_grad_() for seed in range(3)]
    compiled = torch.compile(heads_module.attend, backend="aot_eager", fullgraph=True)
    ours, expected = compiled(*maps, 8, 0.7), heads_module.attend(*maps, 8, 0.7)
    assert torch.equal(ours, expected)
    for actual, wanted in zip(
        torch.autograd.grad(ours.sum(), maps), torch.autograd.grad(expected.sum(), maps), strict=True
    ):
        assert torch.equal(actual, wanted)


@pytest.mark.parametrize("heads", [1, 8])
def test_torch_knows_shapes_layouts_and_gradients(heads):
    q, k, v = (numbers(2, 5, 16, seed=seed).transpose(1, 2).requires_grad_() for seed in range(3))
    torch.library.opcheck(torch.ops.cnntention.attention, (q, k, v, 0.5, heads))


# ---- the choice


@pytest.mark.parametrize(
    ("shape", "heads", "dtype", "expected"),
    [
        ((2, 16, 1, 1), 8, torch.float32, True),
        ((2, 64, 4, 4), 8, torch.bfloat16, True),
        ((2, 64, 8, 8), 1, torch.float32, True),
        ((2, 64, 4, 4), 1, torch.float32, False),
        ((2, 16, 8, 8), 8, torch.float64, False),
        ((2, 16, 8, 8), 8, torch.float16, False),
    ],
)
def test_ours_where_it_is_faster_and_knows_the_numbers(shape, heads, dtype, expected, monkeypatch):
    calls = []
    fast = operator.attention
    monkeypatch.setattr(operator, "attention", lambda *inputs: calls.append(1) or fast(*inputs))
    maps = [numbers(*shape, seed=seed, dtype=dtype) for seed in range(3)]
    heads_module.attend(*maps, heads, 1.0)
    assert bool(calls) == expected


def test_without_being_asked_for_it_is_not_used(monkeypatch):
    monkeypatch.setattr(kernel, "_in_use", kernel.Kernel("torch", ""))
    monkeypatch.setattr(operator, "attention", None)
    heads_module.attend(*(numbers(1, 16, 8, 8) for _ in range(3)), 8, 1.0)


def test_the_name_of_ours_says_what_decides_over_its_bits():
    used = kernel.use(MHA, CPU, "auto")
    assert used.ours
    assert used is kernel.in_use()
    assert used.name == f"{build.target().instructions}-{build.digest()}"


@pytest.mark.parametrize(
    ("attention", "device", "compile", "reason"),
    [
        (None, "cpu", "auto", "no dot-product attention"),
        (Attention("cbam", "plain", {"reduction": 16}), "cpu", "auto", "no dot-product attention"),
        (MHA, "cuda", "auto", "for the CPU alone"),
        (MHA, "mps", "auto", "for the CPU alone"),
        (MHA, "cpu", "off", "machine.compile is off"),
    ],
)
def test_torchs_own_elsewhere(attention, device, compile, reason):
    used = kernel.use(attention, torch.device(device), compile)
    assert not used.ours
    assert not kernel.in_use().ours
    assert reason in used.reason


def anew(monkeypatch, **environment: str) -> kernel.Kernel:
    """As a process finds it that has not loaded the operator."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(operator, "load", operator.load.__wrapped__)
    monkeypatch.setattr(build, "target", build.target.__wrapped__)
    return kernel.use(MHA, CPU, "auto")


def test_no_compiler(monkeypatch):
    used = anew(monkeypatch, CXX="no-such-compiler")
    assert not used.ours
    assert used.reason.endswith("there is no C++ compiler (no-such-compiler)")


def test_no_room_for_the_result(tmp_path, monkeypatch):
    """As root no folder is read-only: a file stands in the folder's place."""
    (tmp_path / "file").touch()
    used = anew(monkeypatch, TORCH_EXTENSIONS_DIR=str(tmp_path / "file"))
    assert not used.ours
    assert "it could not be built: " in used.reason
    assert "\n" not in used.reason


def script(file: Path, *lines: str) -> Path:
    """A program in the place of a compiler."""
    file.write_text("\n".join(["#!/bin/sh", *lines]))
    file.chmod(0o755)
    return file


def test_a_compiler_that_fails_at_the_operator(tmp_path, monkeypatch):
    broken = script(tmp_path / "g++", 'case "$*" in *operator.cpp*) echo "error: no"; exit 1;; esac', 'exec g++ "$@"')
    used = anew(monkeypatch, CXX=str(broken), TORCH_EXTENSIONS_DIR=str(tmp_path))
    assert not used.ours
    assert "it could not be built: " in used.reason
    assert "\n" not in used.reason


def test_a_compiler_that_always_fails(tmp_path):
    """In a process of its own: what the compiler can do is looked up once."""
    folders = {name: str(tmp_path) for name in ("TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR")}
    process = started(folders | {"CXX": str(script(tmp_path / "g++", "exit 1"))})
    used, difference = process.communicate()[0].splitlines()
    assert used.startswith("torch: machine.compile is auto, but the operator for the CPU is not there: ")
    assert float(difference) < 1e-5


@pytest.mark.parametrize("change", ["compiler", "damage", "capability"])
def test_torch_is_asked_for_vector_instructions_once_and_again_where_its_answer_may_differ(
    tmp_path, monkeypatch, change
):
    """Asked, it imports torch.compile."""
    target, asked = build.target.__wrapped__, build._asked()
    answers = iter([asked, build.Target("others", "-mothers")])
    monkeypatch.setattr(build, "_asked", lambda: next(answers))
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    monkeypatch.setenv("CXX", str(script(tmp_path / "g++", 'exec g++ "$@"')))
    assert [target(), target()] == [asked, asked]
    if change == "compiler":
        script(tmp_path / "g++", 'exec g++-12 "$@"')
    elif change == "damage":
        (kept,) = tmp_path.glob("cnntention_target_*")
        kept.write_text("")
    else:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert target().instructions == "others"


def test_two_processes_build_at_once_and_another_copy_of_the_sources_not_again(tmp_path):
    """With a compiler that notes what it is asked for, and gives what the real one made when the operator was built."""
    (library,) = (Path(file) for file in torch.ops.loaded_libraries if "cnntention_attention" in file)
    compiler = script(
        tmp_path / "g++",
        'for word; do [ "$before" = -o ] && made="$word"; before="$word"; done',
        'case "$made" in',
        f'    operator.o|{library.name}) echo "$made" >> {tmp_path}/made; sleep 2; cp {library.parent}/$made $made;;',
        '    *) exec g++ "$@";;',
        "esac",
    )
    both = [started({"TORCH_EXTENSIONS_DIR": str(tmp_path), "CXX": str(compiler)}) for _ in range(2)]
    for process in both:
        used, difference = process.communicate()[0].splitlines()
        assert used.startswith(build.target().instructions)
        assert float(difference) < 1e-5
    elsewhere = shutil.copytree(ROOT / "cnntention", tmp_path / "copy/cnntention").parent
    assert started({"TORCH_EXTENSIONS_DIR": str(tmp_path), "CXX": str(compiler)}, elsewhere).wait() == 0
    assert (tmp_path / "made").read_text().split() == ["operator.o", library.name]


PROGRAM = """
import torch
from cnntention.attention import heads, kernel
from cnntention.network.specs import Attention
used = kernel.use(Attention("mha", "weighted", {"heads": 8}), torch.device("cpu"), "auto")
maps = [torch.randn(2, 16, 6, 6) for _ in range(3)]
print(f"{used.name}: {used.reason}")
ours = heads.attend(*maps, 8, 0.7)
print(float((ours.double() - heads.attend(*(x.double() for x in maps), 8, 0.7)).abs().max()))
"""


def started(environment: dict[str, str], folder: Path = ROOT) -> subprocess.Popen:
    """A process of the program, with the package in a folder."""
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
