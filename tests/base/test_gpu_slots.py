"""Which GPU a process takes, with simulated lists of GPUs and real processes that hold them."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ROOT

from cnntention.base import gpu_slots
from cnntention.base.errors import DeviceError

# Holds its slot until it is told otherwise; says what it waits for, and which GPU it got.
HOLDER = """
import sys
from cnntention.base import gpu_slots
gpu_slots.POLL_S = 0.02
print("got", gpu_slots.take(sys.argv[2:], int(sys.argv[1]), lambda line: print(line, flush=True)), flush=True)
sys.stdin.read()
"""
PATIENCE_S = 60


class Holder:
    """A process that takes a slot, and how far it has come."""

    def __init__(self, folder: Path, gpus: Sequence[str], slots: int):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(slots), *gpus],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        """The next line."""
        return self.process.stdout.readline().strip()

    def got(self) -> int:
        word, position = self.says().split()
        assert word == "got"
        return int(position)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def hold(tmp_path):
    """Starts processes that hold slots, and ends them."""
    holders = []

    def start(gpus: Sequence[str], slots: int = 1, folder: Path = tmp_path) -> Holder:
        holders.append(Holder(folder, gpus, slots))
        return holders[-1]

    yield start
    for holder in holders:
        holder.process.kill()
        holder.process.wait()
        holder.process.stdin.close()
        holder.process.stdout.close()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """This process takes slots in the folder of the others, and gives them back after the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(gpu_slots, "_held", {})
    monkeypatch.setattr(gpu_slots, "POLL_S", 0.02)
    return tmp_path


def lock_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("cnntention-gpus-*/*"))


def test_processes_spread_over_the_gpus_before_they_share_one(hold):
    gpus = ["GPU-a", "GPU-b", "GPU-c"]
    assert [hold(gpus, slots=2).got() for _ in range(6)] == [0, 1, 2, 0, 1, 2]


def test_the_same_gpu_under_another_number_is_known_by_its_name(hold):
    """As where CUDA_VISIBLE_DEVICES shows each job its own GPUs, all counted from 0."""
    assert hold(["GPU-a", "GPU-b"]).got() == 0
    assert hold(["GPU-b"]).got() == 0
    assert hold(["GPU-b", "GPU-a", "GPU-c"]).got() == 2


def test_a_process_waits_until_a_slot_is_free_and_says_for_what(hold):
    first, second = hold(["GPU-a", "GPU-b"]), hold(["GPU-a", "GPU-b"])
    positions = first.got(), second.got()
    assert sorted(positions) == [0, 1]
    third = hold(["GPU-a", "GPU-b"])
    message = third.says()
    assert "waiting" in message
    assert "2 visible" in message
    assert "machine.runs_per_gpu is 1" in message
    assert "--resources gpu=2" in message
    time.sleep(0.3)
    assert third.process.poll() is None
    second.end()
    assert third.got() == positions[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_slot_of_a_killed_process_is_free_at_once(hold, number):
    first = hold(["GPU-a"])
    first.got()
    second = hold(["GPU-a"])
    assert "waiting" in second.says()
    first.process.send_signal(number)
    assert second.got() == 0


def test_processes_that_start_at_once_never_share_a_slot(hold):
    gpus = ["GPU-a", "GPU-b"]
    holders = [hold(gpus, slots=2) for _ in range(4)]
    assert sorted(holder.got() for holder in holders) == [0, 0, 1, 1]


def test_a_second_call_in_one_process_gets_the_same_gpu(here, hold):
    hold(["GPU-a"]).got()
    taken = [gpu_slots.take(["GPU-a", "GPU-b"], 1) for _ in range(3)]
    assert taken == [1, 1, 1]
    assert gpu_slots.take(["GPU-b"], 1) == 0


def test_more_slots_than_those_in_use_are_free(here, hold):
    hold(["GPU-a"], slots=1).got()
    assert gpu_slots.take(["GPU-a"], 2) == 0
    assert len(lock_files(here)) == 2


@pytest.mark.parametrize(
    "name",
    [
        "4f1b7ac2-9f3e-d5c1-7f2b-1c2d3e4f5a6b",
        "MIG-GPU-4f1b7ac2-9f3e-d5c1-7f2b-1c2d3e4f5a6b/7/0",
        "MIG 1g.10gb",
        "../../GPU",
        "GPU\n$(id);'\"",
    ],
)
def test_whatever_a_gpu_is_called_its_lock_lies_in_the_folder(here, hold, name):
    assert gpu_slots.take([name], 1) == 0
    assert len(lock_files(here)) == 1
    assert [path.name for path in here.iterdir()] == [f"cnntention-gpus-{os.getuid()}"]
    other = hold([name])
    assert "waiting" in other.says()


def test_users_do_not_see_each_others_folders(here, monkeypatch):
    gpu_slots.take(["GPU-a"], 1)
    mine = dict(gpu_slots._held)
    gpu_slots._held.clear()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert gpu_slots.take(["GPU-a"], 1) == 0
    assert mine["GPU-a"].is_locked
    folders = sorted(here.iterdir())
    assert len(folders) == 2
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in folders)


def test_a_folder_of_the_same_name_that_is_none_is_reported(here):
    (here / f"cnntention-gpus-{os.getuid()}").write_text("a file", encoding="utf-8")
    with pytest.raises(DeviceError, match=rf"cannot lock a GPU .*cnntention-gpus-{os.getuid()}.*set TMPDIR"):
        gpu_slots.take(["GPU-a"], 1)


def test_a_folder_for_temporary_files_that_cannot_be_written_is_reported(here, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nothing")
    with pytest.raises(DeviceError, match=r"cannot lock a GPU .*/proc/nothing.*set TMPDIR"):
        gpu_slots.take(["GPU-a"], 1)


def test_no_folder_for_temporary_files_at_all_is_reported(here, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nothing"])
    with pytest.raises(DeviceError, match=r"cannot lock a GPU .*No usable temporary directory.*set TMPDIR"):
        gpu_slots.take(["GPU-a"], 1)


def test_a_wait_is_announced_once(here, hold):
    holder = hold(["GPU-a"])
    holder.got()
    lines: list[str] = []
    threading.Timer(0.5, holder.end).start()
    assert gpu_slots.take(["GPU-a"], 1, lines.append) == 0
    assert len(lines) == 1
