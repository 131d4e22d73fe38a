"""Which of a machine's GPUs this torch can compute on with CUDA, and what is the matter if there is none."""

import os
import re
import warnings
from collections.abc import Sequence

import torch

from cnntention.base.errors import DeviceError

_NO_GPU = ("Found no NVIDIA driver", "No CUDA GPUs are available", "No HIP GPUs are available")
"""How torch says that there is no GPU, or none that CUDA_VISIBLE_DEVICES shows; anything else is a fault."""


def available() -> bool:
    """Whether torch sees a GPU; its warning about a driver that it cannot use is left to :func:`fault`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="CUDA initialization")
        return torch.cuda.is_available()


def fault() -> str:
    """What keeps this torch from finding a GPU, in words; empty where the machine has, or shows, none."""
    if not torch.backends.cuda.is_built():
        return f"torch {torch.__version__} is a build without CUDA"
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        text = str(error)
        if text.startswith(_NO_GPU):
            return ""
        too_old = re.search(r"driver on your system is too old \(found version (\d+)\)", text)
        if not too_old:
            return text.splitlines()[0]
        driver = f"{int(too_old[1]) // 1000}.{int(too_old[1]) % 1000 // 10}"
        return (
            f"the NVIDIA driver is too old: it is made for CUDA {driver}, torch {torch.__version__} for CUDA "
            f"{torch.version.cuda}; update the driver, or install a torch build for CUDA {driver} or older"
        )
    return ""


def usable() -> list[int]:
    """The numbers of the visible GPUs that this build of torch has kernels for.

    Raises:
        DeviceError: there are GPUs, and it has kernels for none of them.
    """
    visible = range(torch.cuda.device_count())
    kernels = torch.cuda.get_arch_list()
    if torch.version.hip or not kernels:  # AMD's kernels have other names; its driver refuses by itself
        return list(visible)
    capabilities = {index: torch.cuda.get_device_capability(index) for index in visible}
    fitting = [index for index, capability in capabilities.items() if has_kernels(capability, kernels)]
    if fitting:
        return fitting
    major, minor = capabilities[0]
    raise DeviceError(
        f"torch {torch.__version__} has no kernels for this GPU ({torch.cuda.get_device_name(0)}, sm_{major}{minor}; "
        f"it has {', '.join(kernels)}); install a torch build that has them (pytorch.org/get-started), or set "
        f"machine.device to cpu"
    )


def has_kernels(capability: tuple[int, int], kernels: Sequence[str]) -> bool:
    """Whether a GPU of a compute capability runs one of the kernels that a build lists, such as ``sm_86``.

    Machine code (``sm``) runs on later GPUs of its generation; ``compute`` is compiled by the driver for any later one.
    """
    for name in kernels:
        kind, major, minor = re.match(r"([a-z]+)_(\d+)(\d)", name).groups()  # type: ignore[union-attr]
        made_for = int(major), int(minor)
        if made_for <= capability and (kind == "compute" or made_for[0] == capability[0]):
            return True
    return False


def names(indices: Sequence[int]) -> list[str]:
    """A name for each of these GPUs, the same in every process whichever of them it sees."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible.startswith("MIG-"):  # a slice of a GPU, of which CUDA shows one; the UUID may be that of the whole GPU
        return [visible.split(",")[0]]
    return [str(torch.cuda.get_device_properties(index).uuid) for index in indices]
