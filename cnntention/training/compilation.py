"""Whether the model is compiled for training (torch.compile): kernels are fused, and fewer of them launched."""

import dataclasses
import importlib.util
from collections.abc import Callable

import torch
from torch import Tensor, nn

STEPS_WORTH_IT = 5_000
"""Compiling takes about a minute; shorter trainings than this number of steps are over before it pays."""


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
        # The last batch of an epoch is smaller: two sizes compiled rather than one program for any.
        return torch.compile(model, dynamic=False)


def choose(name: str, device: torch.device, steps: int, deterministic: bool) -> Compilation:
    """What ``auto`` or ``off`` in the config means on a device for a training of so many steps.

    CPUs gain nothing (benchmarks/), and GPUs are where a small network's many small kernels cost most.
    """
    if name == "off":
        return Compilation(False, "machine.compile is off")
    if device.type != "cuda":
        return Compilation(False, "machine.compile is auto, and only CUDA GPUs gain by it")
    if deterministic:
        return Compilation(False, "machine.deterministic, and compiled kernels are chosen by timing")
    if importlib.util.find_spec("triton") is None:
        return Compilation(False, "machine.compile is auto, and Triton is not installed")
    if steps < STEPS_WORTH_IT:
        return Compilation(False, f"machine.compile is auto, and {steps:,} steps are over before it pays")
    return Compilation(True, "machine.compile is auto, and this is a CUDA GPU")
