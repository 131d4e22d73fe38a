"""Which device a process computes on."""

import os
import platform

import torch

from cnntention.errors import DeviceError


def select(name: str, threads: int | None = None) -> torch.device:
    """The device for ``auto`` (CUDA, else MPS, else CPU), ``cpu``, ``cuda`` or ``mps``.

    On the CPU, numbers too small for float32's normal range (1.2e-38) are zero from here on.

    Args:
        name: as ``machine.device`` in the config.
        threads: CPU threads to use; None leaves torch's choice.

    Raises:
        DeviceError: the device that was asked for is not there.
    """
    if threads:
        torch.set_num_threads(threads)
    # Unscaled attention (SelfAtt) has weights far below 1e-38, which a CPU computes many times slower than zeros.
    torch.set_flush_denormal(True)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        detail = f" (CUDA_VISIBLE_DEVICES is '{os.environ.get('CUDA_VISIBLE_DEVICES', '')}')" if name == "cuda" else ""
        raise DeviceError(
            f"machine.device is {name}, and torch {torch.__version__} finds no {name} device{detail}; "
            f"set machine.device to auto or cpu, or install a torch build for this machine's GPU"
        )
    return torch.device(name)


def describe(device: torch.device) -> str:
    """The device in words, such as ``NVIDIA H100`` or ``CPU (x86_64, 2 threads)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    threads = torch.get_num_threads()
    return f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
