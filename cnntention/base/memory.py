"""Running out of memory: how to tell it from other errors on any device, and what to say then."""

import contextlib
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
