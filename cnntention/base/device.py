"""Which device a process computes on, and what it says when that device's memory does not do."""

import contextlib
import dataclasses
import os
import platform
from collections.abc import Callable, Iterator

import torch

from cnntention.base import gpu_slots
from cnntention.base.errors import DeviceError


@dataclasses.dataclass(frozen=True)
class Machine:
    """How a process uses the machine it runs on: the section ``machine`` of the config, as far as it computes.

    Attributes:
        device: ``auto`` (CUDA, else MPS, else CPU), ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads; None leaves torch's choice.
        runs_per_gpu: how many processes may share one GPU.
        compile: ``auto`` or ``off``, see :mod:`cnntention.training.compilation`.
        deterministic: the same bits from run to run on CUDA too, where that is slower. On the CPU they always are.
    """

    device: str = "auto"
    threads: int | None = None
    runs_per_gpu: int = 1
    compile: str = "auto"
    deterministic: bool = False


def select(machine: Machine, log: Callable[[str], None] = print) -> torch.device:
    """The device to compute on, set up for it.

    Of several CUDA devices that CUDA_VISIBLE_DEVICES shows, one with a free slot is taken until the process ends; the
    call waits where there is none. On the CPU, numbers too small for float32's normal range (1.2e-38) are zero from
    here on.

    Args:
        machine: what the config asks for.
        log: takes a line of text, where there is something to know.

    Raises:
        DeviceError: the device that was asked for is not there.
    """
    if machine.threads:
        torch.set_num_threads(machine.threads)
    # Unscaled attention (SelfAtt) has weights far below 1e-38, which a CPU computes many times slower than zeros.
    torch.set_flush_denormal(True)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = machine.device
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
        if name == "cpu":
            log("warning    no GPU found, going on with the CPU; machine.device: cpu says that this is meant")
    if not available[name]:
        detail = f" (CUDA_VISIBLE_DEVICES is '{os.environ.get('CUDA_VISIBLE_DEVICES', '')}')" if name == "cuda" else ""
        raise DeviceError(
            f"machine.device is {name}, and torch {torch.__version__} finds no {name} device{detail}; "
            f"set machine.device to auto or cpu, or install a torch build for this machine's GPU"
        )
    if name != "cuda":
        return torch.device(name)
    if machine.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not machine.deterministic
    index = gpu_slots.take(_gpus(), machine.runs_per_gpu, log)
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def _gpus() -> list[str]:
    """A name for each CUDA device that this process may use, the same in every process whatever it may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible.startswith("MIG-"):  # a slice of a GPU, of which CUDA shows one; the UUID may be that of the whole GPU
        return [visible.split(",")[0]]
    return [str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())]


def describe(device: torch.device) -> str:
    """The device in words, such as ``NVIDIA H100`` or ``CPU (x86_64, 2 threads)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    threads = torch.get_num_threads()
    return f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"


# torch has an exception of its own for this, and not everywhere: these are of CUDA and MPS, cuBLAS and cuDNN, the CPU.
_OUT_OF_MEMORY = ("out of memory", "ALLOC_FAILED", "DefaultCPUAllocator")


@contextlib.contextmanager
def enough_memory(what: str, advice: str) -> Iterator[None]:
    """Raise DeviceError, which says ``what`` was being done and gives ``advice``, where memory does not do for it."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(text in str(error) for text in _OUT_OF_MEMORY):
            raise
        raise DeviceError(f"{what}: out of memory; {advice}") from None
