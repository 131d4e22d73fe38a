"""The choice of a device."""

import re
import subprocess
import sys

import pytest
import torch

from cnntention import device
from cnntention.device import Machine
from cnntention.errors import DeviceError


@pytest.fixture
def threads():
    """Puts torch's number of threads back."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@pytest.fixture
def machine(monkeypatch):
    """Makes the process believe in GPUs that it has or lacks."""

    def pretend(cuda: bool, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


def test_auto_gives_a_device_that_computes():
    chosen = device.select(Machine("auto"))
    assert (torch.ones(3, device=chosen) * 2).sum().item() == 6


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
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
        "import torch; from cnntention import device; device.select(device.Machine('cpu', threads=2));"
        # Large enough for torch to split it among its threads.
        "print(torch.full((1_000_000,), 1e-30).mul_(1e-10).count_nonzero().item())"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "0"
