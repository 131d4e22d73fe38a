"""The number format in which a model is trained: float32, or bfloat16 by autocast."""

import contextlib
import dataclasses
from pathlib import Path

import torch

from cnntention.base.errors import DeviceError

CPU_FACTS = Path("/proc/cpuinfo")
"""Of Linux; elsewhere nothing is known about the CPU."""


@dataclasses.dataclass(frozen=True)
class Precision:
    """A number format, ``fp32`` or ``bf16``, and why it was chosen."""

    name: str
    reason: str

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager:
        """A context for the forward pass. Weights, gradients and their sums stay float32 in either format."""
        return torch.autocast(device.type, torch.bfloat16) if self.name == "bf16" else contextlib.nullcontext()


def choose(name: str, device: torch.device) -> Precision:
    """The format for ``auto``, ``fp32`` or ``bf16`` in the config.

    ``auto`` goes by the hardware alone, so that all runs of one machine are trained alike: bf16 where that is faster,
    else fp32.

    Raises:
        DeviceError: bf16 is asked for on a GPU without it.
    """
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device)[0] >= 8
        what = "this GPU has matrix units for bf16" if fast else "this GPU is too old for bf16"
    elif device.type == "cpu":
        fast = _cpu_is_faster_in_bf16()
        what = "this CPU multiplies " + ("bf16 twice as fast as fp32" if fast else "bf16 no faster than fp32")
    else:
        fast, what = False, "only CUDA GPUs and some CPUs gain from bf16"
    if name == "auto":
        return Precision("bf16" if fast else "fp32", f"precision is auto, and {what}")
    if name == "bf16" and not fast and device.type != "cpu":
        raise DeviceError("precision is bf16, which this GPU cannot train in; set precision to auto or fp32")
    return Precision(name, f"precision is {name}")


def _cpu_is_faster_in_bf16() -> bool:
    """Whether the CPU has matrix units (AMX), or bf16 instructions at full rate.

    The latter are AMD's: on a Zen 4, a training step of the baseline took 0.64 of its time in fp32. On a CPU with the
    same flag, avx512_bf16, whose matrix products are slower in bf16 (Intel's without AMX), it took 1.4 times as long.
    """
    try:
        facts = CPU_FACTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    words = set(facts.split())
    return "amx_bf16" in words or {"avx512_bf16", "AuthenticAMD"} <= words
