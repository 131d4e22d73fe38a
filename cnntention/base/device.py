"""Which device a process computes on, and how torch is set up for it."""

import dataclasses
import logging
import os
import platform
from collections.abc import Callable

import torch

from cnntention.base import cuda, gpu_slots
from cnntention.base.errors import DeviceError
from cnntention.base.memory import keep_freed_memory


@dataclasses.dataclass(frozen=True)
class Machine:
    """How a process uses the machine it runs on: what the config's section ``machine`` says about computing.

    Attributes:
        device: ``auto`` (CUDA, else CPU), ``cpu``, ``cuda`` or ``mps``. MPS, Apple's GPUs, is not taken by itself,
            because it stores all weights of an attention block: gigabytes where CUDA and the CPU need none of it.
        threads: CPU threads; None leaves torch's choice.
        runs_per_gpu: how many processes may share one GPU.
        compile: ``auto`` or ``off``, see :mod:`cnntention.training.compilation` and :mod:`cnntention.attention.kernel`.
        deterministic: the same bits from run to run on CUDA too, but slower. On the CPU they are always the same.
    """

    device: str = "auto"
    threads: int | None = None
    runs_per_gpu: int = 1
    compile: str = "auto"
    deterministic: bool = False


def select(machine: Machine, log: Callable[[str], None] = print) -> torch.device:
    """The device to compute on, set up for it.

    Of several CUDA devices that CUDA_VISIBLE_DEVICES shows, one with a free slot is taken until the process ends; if
    there is none, the call waits. float32 is float32 there from here on, in training and evaluation: not TF32, which
    has the 10 bits of a half-precision mantissa. On the CPU, numbers too small for float32's normal range (1.2e-38)
    are zero from here on.

    Args:
        machine: what the config asks for.
        log: is called with each line of text that there is to tell.

    Raises:
        DeviceError: the device that was asked for is not there, or this build of torch cannot compute on it.
    """
    if machine.threads:
        torch.set_num_threads(machine.threads)
    # Unscaled attention (SelfAtt) has weights far below 1e-38, which a CPU computes many times slower than zeros.
    torch.set_flush_denormal(True)
    name = machine.device
    there = {"cpu": True, "mps": torch.backends.mps.is_available(), "cuda": cuda.available()}
    if not there["cuda"]:
        _silence_cuda_home()
    if name == "auto":
        name = "cuda" if there["cuda"] else "cpu"
        if name == "cpu":
            log(f"warning    no GPU found, going on with the CPU; {_remedy(there['mps'])}")
    if not there[name]:
        raise DeviceError(_absence(name))
    if name == "cuda":
        return _set_up_cuda(machine, log)
    if name == "cpu":
        keep_freed_memory()
    return torch.device(name)


def _set_up_cuda(machine: Machine, log: Callable[[str], None]) -> torch.device:
    usable = cuda.usable()
    if machine.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
        torch.use_deterministic_algorithms(True)
        # Else each new tensor is filled with NaN, one more kernel for almost every kernel of the network.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not machine.deterministic
    # Not by fp32_precision, after which torch's own readers of these two raise an error (torch 2.15).
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    index = usable[gpu_slots.take(cuda.names(usable), machine.runs_per_gpu, log)]
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def _remedy(mps: bool) -> str:
    """What to do where ``auto`` finds no GPU."""
    fault = "" if mps else cuda.fault()  # a Mac's torch has no CUDA, and lacks nothing
    apple = "machine.device: mps takes Apple's GPU, " if mps else ""
    return (f"{fault}; " if fault else "") + f"{apple}machine.device: cpu says that this is meant"


def _absence(name: str) -> str:
    """That a device is not there, why, and what to do."""
    fault = cuda.fault() if name == "cuda" else ""
    if fault:
        return f"machine.device is cuda, and torch finds no GPU: {fault}; or set machine.device to auto or cpu"
    detail = f" (CUDA_VISIBLE_DEVICES is '{os.environ.get('CUDA_VISIBLE_DEVICES', '')}')" if name == "cuda" else ""
    return (
        f"machine.device is {name}, and torch {torch.__version__} finds no {name} device{detail}; "
        f"set machine.device to auto or cpu, or install a torch build for this machine's GPU"
    )


def _silence_cuda_home() -> None:
    """Keep torch from reporting, where it compiles for the CPU, that the machine has CUDA's tools and no GPU."""
    logging.getLogger("torch.utils.cpp_extension").addFilter(_is_not_of_cuda_home)


def _is_not_of_cuda_home(record: logging.LogRecord) -> bool:
    return not record.msg.startswith("No CUDA runtime is found, using CUDA_HOME")


def memory_format(device: torch.device) -> torch.memory_format:
    """The layout of images and weights in which convolutions are fastest: channels last, except on Apple's GPUs."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def describe(device: torch.device) -> str:
    """The device in words, such as ``NVIDIA H100`` or ``CPU (x86_64, 2 threads)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    threads = torch.get_num_threads()
    return f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
