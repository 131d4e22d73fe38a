"""Whether the model is compiled for training (torch.compile): kernels are fused, and fewer of them launched."""

import dataclasses
import importlib.util
import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

STEPS_WORTH_IT = 10_000
"""Compiling takes a minute or two; shorter trainings than this number of steps are over before it pays."""


@dataclasses.dataclass(frozen=True)
class Compilation:
    """Whether to compile, and why."""

    on: bool
    reason: str

    def __call__(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """What to call in training; it shares its weights with the given one."""
        if not self.on:
            return model
        # A block that cannot be compiled runs as it is.
        torch._dynamo.config.suppress_errors = True
        # Other runs train beside this one: no more processes than it was given threads.
        torch._inductor.config.compile_threads = torch.get_num_threads()
        # The last batch of an epoch is smaller: two sizes compiled rather than one program for any.
        return torch.compile(model, dynamic=False)


def choose(name: str, device: torch.device, steps: int, deterministic: bool, precision: str) -> Compilation:
    """What ``auto`` or ``off`` in the config means on a device for a training of so many steps.

    On GPUs a small network's many small kernels cost most. On CPUs all between the convolutions, CBAM's pooling above
    all, takes several times what its memory traffic asks for (benchmarks/). There fp32 is never compiled: it is the
    format whose results shall not depend on which compiler a machine has.
    """
    if name == "off":
        return Compilation(False, "machine.compile is off")
    if device.type not in ("cuda", "cpu"):
        return Compilation(False, "machine.compile is auto, and only CUDA GPUs and CPUs gain by it")
    if device.type == "cpu" and precision == "fp32":
        return Compilation(
            False, "machine.compile is auto, and fp32 on a CPU is to give the same bits with any compiler"
        )
    if device.type == "cuda" and deterministic:
        return Compilation(False, "machine.deterministic, and compiled kernels are chosen by timing")
    tool, installed = ("Triton", _has_triton()) if device.type == "cuda" else ("a C++ compiler", _has_cpp())
    if not installed:
        return Compilation(False, f"machine.compile is auto, and {tool} is not installed")
    if steps < STEPS_WORTH_IT:
        return Compilation(False, f"machine.compile is auto, and {steps:,} steps are over before it pays")
    return Compilation(True, f"machine.compile is auto, and {tool} is there")


def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _has_cpp() -> bool:
    """The compiler that torch takes, and the headers of Python that it needs."""
    return (
        bool(shutil.which(os.environ.get("CXX", "g++"))) and Path(sysconfig.get_path("include"), "Python.h").is_file()
    )
