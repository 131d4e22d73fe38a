"""The choice of a device."""

import os
import re
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest
import torch

from cnntention.base import device, gpu_slots
from cnntention.base.device import Machine
from cnntention.base.errors import DeviceError


@pytest.fixture
def threads():
    """Puts torch's number of threads back."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes the process believe in GPUs that it has or lacks; returns the numbers of those that were set up."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(gpu_slots, "_held", {})
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    current: list[int] = []

    def pretend(cuda: bool, mps: bool, uuids: tuple[str, ...] = ("GPU-a",)) -> list[int]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(uuids) if cuda else 0)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=uuids[index]))
        monkeypatch.setattr(torch.cuda, "set_device", current.append)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        return current

    return pretend


def test_auto_gives_a_device_that_computes():
    chosen = device.select(Machine("auto"))
    assert (torch.ones(3, device=chosen) * 2).sum().item() == 6


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda:0"), (True, False, "cuda:0"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_prefers_cuda_then_mps_then_cpu(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert device.select(Machine("auto")) == torch.device(expected)


def test_cpu_is_taken_where_it_is_asked_for(machine):
    machine(True, True)
    assert device.select(Machine("cpu")) == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_that_is_not_there_is_refused_in_plain_words(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with pytest.raises(DeviceError) as caught:
        device.select(Machine("cuda"))
    text = str(caught.value)
    assert "machine.device" in text
    assert "no cuda device" in text
    assert "CUDA_VISIBLE_DEVICES is '7'" in text
    assert re.search(r"set machine\.device to (auto|cpu)", text)


def test_mps_that_is_not_there_is_refused(machine):
    machine(True, False)
    with pytest.raises(DeviceError, match="no mps device") as caught:
        device.select(Machine("mps"))
    assert "CUDA" not in str(caught.value)


@pytest.mark.parametrize("count", [1, 2])
def test_threads_are_set(threads, count):
    device.select(Machine("cpu", threads=count))
    assert torch.get_num_threads() == count


def test_threads_stay_where_none_are_given(threads):
    device.select(Machine("cpu"))
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("count", "words"), [(1, "1 thread)"), (2, "2 threads)")])
def test_cpu_is_described_with_its_threads(threads, count, words):
    torch.set_num_threads(count)
    text = device.describe(torch.device("cpu"))
    assert text.startswith("CPU (")
    assert text.endswith(words)


def test_numbers_below_float32s_normal_range_become_zero_on_every_thread():
    program = (
        "import torch; from cnntention.base import device; device.select(device.Machine('cpu', threads=2));"
        # Large enough for torch to split it among its threads.
        "print(torch.full((1_000_000,), 1e-30).mul_(1e-10).count_nonzero().item())"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "0"


# ---- several GPUs


def taken_elsewhere(gpu: str, slot: int = 0):
    """Another process's lock of a slot."""
    lock = gpu_slots.FileLock(
        os.path.join(tempfile.gettempdir(), f"cnntention-gpus-{os.getuid()}", f"{gpu}-{slot}.lock")
    )
    os.makedirs(os.path.dirname(lock.lock_file), exist_ok=True)
    lock.acquire(timeout=0)
    return lock


def test_a_free_gpu_is_taken_and_set_up(machine):
    current = machine(True, False, ("GPU-a", "GPU-b", "GPU-c"))
    with taken_elsewhere("GPU-a"):
        assert device.select(Machine("cuda")) == torch.device("cuda:1")
    assert current == [1]


def test_gpus_are_shared_where_the_config_says_so(machine):
    machine(True, False, ("GPU-a", "GPU-b"))
    with taken_elsewhere("GPU-a"), taken_elsewhere("GPU-b"):
        assert device.select(Machine("auto", runs_per_gpu=2)) == torch.device("cuda:0")


def test_no_gpu_is_taken_for_the_cpu(machine, tmp_path):
    current = machine(True, True, ("GPU-a",))
    device.select(Machine("cpu"))
    assert current == []
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_sees_one_gpu_alone_takes_that_one(machine):
    """Slurm shows each job its own GPU as number 0: jobs tell them apart by name."""
    machine(True, False, ("GPU-b",))
    with taken_elsewhere("GPU-a"):
        assert device.select(Machine("auto")) == torch.device("cuda:0")


def test_two_slices_of_one_gpu_are_two_gpus(machine, monkeypatch):
    machine(True, False, ("GPU-a",))
    for slice_ in ("MIG-1f0b", "MIG-2f0b,MIG-3f0b"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", slice_)
        assert device.select(Machine("cuda")) == torch.device("cuda:0")
    assert list(gpu_slots._held) == ["MIG-1f0b", "MIG-2f0b"]


def test_torch_shows_no_gpu_where_cuda_visible_devices_hides_all():
    program = "import torch; print(torch.cuda.device_count(), torch.cuda.is_available())"
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.split() == ["0", "False"]


def test_the_cpu_in_place_of_a_gpu_is_a_warning_in_the_log(machine):
    machine(False, False)
    lines: list[str] = []
    assert device.select(Machine("auto"), lines.append) == torch.device("cpu")
    assert len(lines) == 1
    assert lines[0].startswith("warning")
    assert "no GPU" in lines[0]
    lines.clear()
    device.select(Machine("cpu"), lines.append)
    assert lines == []


def test_deterministic_is_set_up_for_cuda(machine, monkeypatch):
    torch.use_deterministic_algorithms(False)  # imports what a pretended GPU would confuse
    machine(True, False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    try:
        device.select(Machine("cuda", deterministic=True))
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)


# ---- memory


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
    ],
    ids=["CPU", "Python", "CUDA", "CUDA, new context", "cuDNN", "cuBLAS", "MPS"],
)
def test_too_little_memory_is_reported_in_one_line_with_what_to_do(work):
    with pytest.raises(DeviceError) as caught, device.enough_memory("cifar10/mha", "try batch_size: 64"):
        work()
    assert str(caught.value) == "cifar10/mha: out of memory; try batch_size: 64"


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("memory"), DeviceError("no GPU")])
def test_other_errors_are_not_taken_for_it(error):
    with pytest.raises(type(error)) as caught, device.enough_memory("cifar10/mha", "try batch_size: 64"):
        raise error
    assert caught.value is error
