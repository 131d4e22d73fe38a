"""Memory that is kept, and running out of memory on any device."""

import platform
import resource

import pytest
import torch

from cnntention.base.errors import DeviceError
from cnntention.base.memory import enough_memory, is_out_of_memory, keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_tensors_of_a_step_lie_where_those_of_the_step_before_lay():
    keep_freed_memory()

    def step() -> int:
        """The pages that the system has to give for it, of 4 KiB each."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        _ = [torch.zeros(2**20) for _ in range(30)]
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert [step() for _ in range(6)][-1] < 2**10, "of 30 * 2**10"


def raising(error: Exception):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.empty(2**55),
        lambda: bytearray(2**62),
        raising(
            torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB"
            )
        ),
        raising(RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported")),
        raising(RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")),
        raising(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")),
        raising(RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB, max allowed: 9.07 GB)")),
        raising(RuntimeError("Invalid buffer size: 16.00 GiB")),
        raising(RuntimeError("command buffer exited with error status: Insufficient Memory (00000008:kIOGPU...)")),
    ],
    ids=["CPU", "Python", "CUDA", "CUDA, new context", "cuDNN", "cuBLAS", "MPS", "MPS, one tensor", "MPS, a kernel"],
)
def test_too_little_memory_is_reported_in_one_line_with_what_to_do(work):
    with pytest.raises(DeviceError) as caught, enough_memory("cifar10/mha", "try batch_size: 64"):
        work()
    assert str(caught.value) == "cifar10/mha: out of memory; try batch_size: 64"


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("memory"), DeviceError("no GPU")])
def test_other_errors_are_not_taken_for_it(error):
    with pytest.raises(type(error)) as caught, enough_memory("cifar10/mha", "try batch_size: 64"):
        raise error
    assert caught.value is error
    assert not is_out_of_memory(error)
