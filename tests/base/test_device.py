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
    switches = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = True
    current: list[int] = []

    def pretend(
        cuda: bool,
        mps: bool,
        uuids: tuple[str, ...] = ("GPU-a",),
        capabilities: tuple[tuple[int, int], ...] = ((8, 6),) * 3,
    ) -> list[int]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(uuids) if cuda else 0)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=uuids[index]))
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_86"])
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Pretended {index}")
        monkeypatch.setattr(torch.cuda, "get_device_capability", capabilities.__getitem__)
        monkeypatch.setattr(torch.cuda, "set_device", current.append)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        return current

    yield pretend
    for switch, value in zip(switches, before, strict=True):
        switch.allow_tf32 = value


def test_auto_gives_a_device_that_computes():
    chosen = device.select(Machine("auto"))
    assert (torch.ones(3, device=chosen) * 2).sum().item() == 6


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda:0"), (True, False, "cuda:0"), (False, True, "cpu"), (False, False, "cpu")],
)
def test_auto_takes_cuda_or_else_the_cpu(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert device.select(Machine("auto")) == torch.device(expected)


def test_apples_gpu_is_taken_where_it_is_asked_for_and_named_where_it_is_not(machine, monkeypatch):
    machine(False, True)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)  # as in torch for a Mac
    lines: list[str] = []
    assert device.select(Machine("mps"), lines.append) == torch.device("mps")
    assert lines == []
    device.select(Machine("auto"), lines.append)
    assert lines == [
        "warning    no GPU found, going on with the CPU; machine.device: mps takes Apple's GPU, "
        "machine.device: cpu says that this is meant"
    ]


@pytest.mark.parametrize(
    ("kind", "layout"),
    [("cpu", torch.channels_last), ("cuda", torch.channels_last), ("mps", torch.contiguous_format)],
)
def test_images_lie_channels_last_but_on_apples_gpus(kind, layout):
    assert device.memory_format(torch.device(kind)) == layout


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


def test_float32_is_float32_on_cuda(machine):
    """TF32, torch's default in convolutions, has the precision of float16."""
    machine(True, False)
    device.select(Machine("cuda"))
    assert torch.backends.cudnn.conv.fp32_precision != "tf32"
    assert torch.backends.cuda.matmul.fp32_precision != "tf32"
    assert not torch.backends.cudnn.allow_tf32, "torch's own readers of the older switches find them in order"
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_gpu_that_this_torch_has_no_kernels_for_is_refused_with_the_remedy(machine):
    machine(True, False, capabilities=((6, 1),))
    for name in ("auto", "cuda"):
        with pytest.raises(DeviceError) as caught:
            device.select(Machine(name))
        text = str(caught.value)
        assert "no kernels for this GPU (Pretended 0, sm_61; it has sm_75, sm_86)" in text
        assert "install a torch build that has them" in text
        assert "set machine.device to cpu" in text
    assert device.select(Machine("cpu")) == torch.device("cpu")


def test_beside_an_old_gpu_the_other_one_is_taken(machine):
    current = machine(True, False, ("GPU-a", "GPU-b"), capabilities=((6, 1), (8, 6)))
    assert device.select(Machine("auto")) == torch.device("cuda:1")
    assert current == [1]


TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version 12040). Please update your GPU driver by downloading "
    "and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to: "
    "https://pytorch.org to install a PyTorch version that has been compiled with your version of the CUDA driver."
)
UNKNOWN = "CUDA unknown error - this may be due to an incorrectly set up environment\nand more"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(TOO_OLD, "the NVIDIA driver is too old: it is made for CUDA 12.4, torch"), (UNKNOWN, UNKNOWN.splitlines()[0])],
)
def test_what_keeps_torch_from_a_gpu_that_is_there_is_said(machine, monkeypatch, raised, expected):
    def init():
        raise RuntimeError(raised)

    machine(False, False)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "init", init)
    lines: list[str] = []
    assert device.select(Machine("auto"), lines.append) == torch.device("cpu")
    with pytest.raises(DeviceError) as caught:
        device.select(Machine("cuda"))
    for text in (*lines, str(caught.value)):
        assert expected in text
        assert "and more" not in text
    if raised == TOO_OLD:
        assert "update the driver, or install a torch build for CUDA 12.4 or older" in lines[0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_machine_without_a_gpu_lacks_nothing(monkeypatch):
    """The text with which torch says so is the one that is known here."""
    lines: list[str] = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    device.select(Machine("auto"), lines.append)
    built = torch.backends.cuda.is_built()
    assert lines == [
        "warning    no GPU found, going on with the CPU; "
        + ("" if built else f"torch {torch.__version__} is a build without CUDA; ")
        + "machine.device: cpu says that this is meant"
    ]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cudas_tools_without_a_gpu_are_not_worth_a_warning(tmp_path):
    (tmp_path / "nvcc").touch(mode=0o755)
    program = "import torch; {} import torch.utils.cpp_extension as e; e.logger.warning('something else')"
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment.pop("CUDA_HOME", None)

    def said(select: str) -> str:
        command = [sys.executable, "-c", program.format(select)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr

    silenced = said("from cnntention.base import device; device.select(device.Machine('cpu'));")
    assert "something else" in silenced
    assert "CUDA_HOME" not in silenced
    if torch.version.cuda:
        assert "CUDA_HOME" in said(""), "torch says so by itself"


def test_deterministic_is_set_up_for_cuda(machine, monkeypatch):
    torch.use_deterministic_algorithms(False)  # imports what a pretended GPU would confuse
    machine(True, False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    try:
        device.select(Machine("cuda", deterministic=True))
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
        assert not torch.utils.deterministic.fill_uninitialized_memory, "which launches a kernel for each new tensor"
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)
