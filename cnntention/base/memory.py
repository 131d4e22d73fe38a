"""Memory: how freed memory is kept, how to tell running out of it from other errors, and what to say then."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

import torch

from cnntention.base.errors import DeviceError

_SIGNS = (
    "out of memory",  # CUDA where torch.OutOfMemoryError is not what it raises, MPS
    "ALLOC_FAILED",  # cuBLAS, cuDNN
    "DefaultCPUAllocator",
    "Invalid buffer size",  # MPS: a tensor larger than Metal allows
    "Insufficient Memory",  # MPS: while the kernels run
)

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Names of settings of glibc's ``mallopt``."""


def keep_freed_memory() -> None:
    """Let the process keep what its tensors free, for the next ones, instead of giving it back to the system at once.

    As glibc does it by itself, the feature maps of every training step are memory that the system clears anew, page by
    page: a quarter of the baseline's step on a CPU. Memory in use stays the same but for a few percent. Other C
    libraries than glibc are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return
    # Tensors above the first size are still given back at once; older versions of glibc take no more than 32 MiB.
    if mallopt(_MMAP_THRESHOLD, 2**30) or mallopt(_MMAP_THRESHOLD, 2**25):
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a device or of the machine is used up.

    torch has an exception of its own for this, and raises a plain RuntimeError in many places nevertheless.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


@contextlib.contextmanager
def enough_memory(what: str, advice: str) -> Iterator[None]:
    """Raise DeviceError, which says ``what`` was being done and gives ``advice``, when that runs out of memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(f"{what}: out of memory; {advice}") from None
