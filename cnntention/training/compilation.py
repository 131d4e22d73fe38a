"""Whether the model is compiled for training (torch.compile): kernels are fused, and fewer of them launched."""

import contextlib
import dataclasses
import importlib.util
import os
import shutil
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from cnntention.base.memory import is_out_of_memory
from cnntention.base.words import duration
from cnntention.training import randomness

COST_S = 60
"""What compiling costs where nothing is in torch's cache; a run whose model another one has compiled pays seconds."""

SAVED_A_STEP_S = 2.3e-3
"""What it saves on CUDA, where the host's time to launch the kernels is that of a step: the baseline's step takes the
host 4.7 ms as it is and 2.4 ms compiled. Compiling pays from 26,000 steps on."""

SAVED_A_PIXEL_S = 5e-7
"""What it saves on a CPU for each pixel of a step's images, with one thread: a step on 128 images of 32x32 pixels took
0.36 s as it is and 0.28 s compiled (CIFAR-10, one core of a Zen 4, bf16). Compiling pays from 900 such steps on."""

Forward = Callable[[Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class Compilation:
    """Whether to compile, and why."""

    on: bool
    reason: str


def choose(
    name: str, device: torch.device, steps: int, pixels: int, deterministic: bool, precision: str
) -> Compilation:
    """What ``auto`` or ``off`` in the config means on a device for a training of so many steps.

    On GPUs a small network's many small kernels cost most. On CPUs everything between the convolutions, CBAM's pooling
    above all, takes several times as long as its memory traffic requires (benchmarks/). There fp32 is never compiled:
    it is the format whose results are not to depend on a machine's compiler.

    Args:
        name: ``auto`` or ``off``.
        device: that the training computes on.
        steps: of the whole training.
        pixels: of the images of a step, channels not counted.
        deterministic: as the config has it.
        precision: ``fp32`` or ``bf16``.
    """
    if name == "off":
        return Compilation(False, "machine.compile is off")
    if device.type not in ("cuda", "cpu"):
        return Compilation(False, "machine.compile is auto, and only CUDA GPUs and CPUs gain from it")
    if device.type == "cpu" and precision == "fp32":
        return Compilation(
            False, "machine.compile is auto, and fp32 on a CPU is to give the same bits with any compiler"
        )
    if device.type == "cuda" and deterministic:
        return Compilation(False, "machine.deterministic, and compiled kernels are chosen by timing")
    if seconds_saved(device, steps, pixels) < COST_S:
        return Compilation(False, f"machine.compile is auto, and {steps:,} steps are too few to repay compiling")
    missing = _missing_tool(device)
    if missing:
        return Compilation(False, f"machine.compile is auto, and {missing}")
    return Compilation(True, f"machine.compile is auto, and {steps:,} steps repay compiling")


def seconds_saved(device: torch.device, steps: int, pixels: int) -> float:
    """What a training is estimated to save by compiled kernels; for the arguments see :func:`choose`."""
    if device.type == "cuda":
        return steps * SAVED_A_STEP_S
    return steps * pixels * SAVED_A_PIXEL_S / torch.get_num_threads()


def _missing_tool(device: torch.device) -> str:
    """What of the tools that kernels are compiled with is not installed, in words; empty where all are."""
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            return "Triton is not installed"
        # Triton compiles what launches a kernel, too.
        language, compilers = "C", [os.environ["CC"]] if "CC" in os.environ else ["gcc", "clang"]
    else:
        language, compilers = "C++", [os.environ.get("CXX", "g++")]
    if not any(map(shutil.which, compilers)):
        return f"a {language} compiler ({' or '.join(compilers)}) is not installed"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "the C headers of Python (Python.h) are not installed"
    return ""


def compiled(wanted: Compilation, model: nn.Module, trial: Callable[[Forward], None]) -> tuple[Compilation, Forward]:
    """The model as training calls it, which shares its weights with the given one, and whether it is compiled.

    Compiling happens here and not at the first steps, so that what a run says of itself is what runs: where it fails,
    the model runs as it is, and the reason is returned. Part of a model may not be compilable (a graph break): it runs
    as it is within the compiled rest.

    Args:
        wanted: what was chosen.
        model: with its weights.
        trial: takes steps of training with what it is given, forward and backward, on batches of each size that the
            training has; what it does to the model is undone.

    Raises:
        RuntimeError: the device runs out of memory.
    """
    if not wanted.on:
        return wanted, model
    torch._dynamo.config.suppress_errors = False
    # Other runs train beside this one: no more processes than it was given threads.
    torch._inductor.config.compile_threads = torch.get_num_threads()
    # The last batch of an epoch is smaller: two sizes are compiled rather than one program for all sizes.
    forward = torch.compile(model, dynamic=False)
    started = time.perf_counter()
    try:
        with as_it_was(model):
            trial(forward)
    except Exception as error:  # whatever the compilers on a machine come up with
        if is_out_of_memory(error):
            raise
        torch._dynamo.reset()
        return Compilation(False, f"machine.compile is auto, and compiling failed: {_in_a_line(error)}"), model
    took = duration(time.perf_counter() - started)
    return dataclasses.replace(wanted, reason=f"{wanted.reason}; it took {took}"), forward


@contextlib.contextmanager
def as_it_was(model: nn.Module) -> Iterator[None]:
    """Afterwards the model, its gradients and all random numbers go on as if nothing had happened."""
    states = randomness.states()
    tensors = [*model.parameters(), *model.buffers()]
    before = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
        model.zero_grad(set_to_none=True)
        randomness.restore(states)


def _in_a_line(error: Exception) -> str:
    """What went wrong: the first line, and of a compiler's output the first error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("backend=")]
    if not lines:
        return type(error).__name__
    return ": ".join(lines[:1] + [line for line in lines[1:] if "error:" in line][:1])[:400]
