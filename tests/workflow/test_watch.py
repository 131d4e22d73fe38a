"""The table of a study's progress, printed, live on a terminal, and ended with Ctrl-C."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from conftest import ROOT
from rich.console import Console

from cnntention.base.layout import Run
from cnntention.workflow.progress import STATES, Row
from cnntention.workflow.watch import STYLES, table

LONG = "cifar10: the training loss became nan in epoch 3, step 11 of 391, at lr 0.1; try a lower lr"


def row(state: str, seed: int = 10, **values) -> Row:
    return Row(Run("cifar10", "mha", "full", seed), state, 182, **values)


def lines(rows: list[Row], width: int = 250, height: int | None = None) -> list[str]:
    """What the terminal shows, line by line."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table(rows, width, height))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_each_state_has_a_style():
    assert set(STYLES) == set(STATES)


def test_a_row_shows_all_that_is_known():
    known = {"epoch": 7, "train_error": 12.345, "error": 20.0, "seconds_left": 3700, "device": "H100", "note": "odd"}
    shown = lines([row("training", **known)])
    assert shown[1].split() == ["run", "state", "epoch", "error", "error", "left", "device,", "notes"]
    assert re.split(r"  +", shown[2]) == [
        "cifar10/mha/full/seed10", "training", "7/182", "12.35%", "20.00%", "1.0 h", "odd; H100"
    ]  # fmt: skip


def test_what_is_not_known_stays_empty():
    assert lines([row("waiting")])[2].split() == ["cifar10/mha/full/seed10", "waiting", "–/182"]


def test_the_last_line_counts_the_states():
    rows = [row("evaluated", 1), row("failed", 2), row("waiting", 3), row("evaluated", 4)]
    assert lines(rows)[-1] == "4 runs: 1 failed, 1 waiting, 2 evaluated"


def test_a_long_note_is_shown_whole_where_there_is_no_terminal():
    assert lines([row("failed", note=LONG)])[2].endswith(LONG)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_narrow_terminal_cuts_the_notes_and_nothing_else(width):
    shown = lines([row("failed", epoch=3, train_error=1.0, error=2.0, device="H100", note=LONG)], width)
    assert len(shown) == 4
    assert all(len(line) <= width for line in shown)
    assert re.split(r"  +", shown[2])[:5] == ["cifar10/mha/full/seed10", "failed", "3/182", "1.00%", "2.00%"]
    assert shown[2].endswith("…") == (width > 60)


def test_a_terminal_of_few_lines_shows_what_wants_attention_in_the_order_of_the_study():
    states = ["evaluated", "waiting", "training", "trained", "failed", "evaluated"]
    shown = lines([row(state, seed) for seed, state in enumerate(states)], height=3)
    assert [line.split()[1] for line in shown[2:-1]] == ["waiting", "training", "failed"]
    assert shown[-1] == "6 runs: 1 training, 1 failed, 1 waiting, 1 trained, 2 evaluated; 3 not shown"


# ---- the command


def watch(folder: Path, **options) -> subprocess.Popen:
    (folder / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    return subprocess.Popen([sys.executable, "-m", "cnntention", "watch"], cwd=folder, env=environment, **options)


def test_without_a_terminal_it_prints_once(tmp_path):
    process = watch(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shown, problems = process.communicate(timeout=60)
    assert process.returncode == 0
    assert problems == ""
    assert shown.rstrip().endswith("45 runs: 45 waiting")
    assert "\x1b" not in shown
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_on_a_terminal_it_is_live_until_ctrl_c_which_ends_it_quietly(tmp_path):
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    # the terminal has to be the process's own for Ctrl-C to reach it
    process = watch(tmp_path, stdin=side, stdout=side, stderr=side, start_new_session=True, preexec_fn=_own_terminal)
    os.close(side)
    shown = ""
    end = time.time() + 60
    while "45 waiting; 25 not shown" not in shown and time.time() < end:
        shown += os.read(terminal, 65536).decode()
    heart = tmp_path / "results/state/cifar10/mha/full/seed10.pt"
    heart.parent.mkdir(parents=True)
    heart.write_bytes(b"tensors")
    while "1 interrupted, 44 waiting" not in shown and time.time() < end:
        shown += os.read(terminal, 65536).decode()
    assert "cifar10/mha/full/seed10" in shown
    os.write(terminal, b"\x03")
    after = _rest(terminal)
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in after
    assert "KeyboardInterrupt" not in after


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _rest(terminal: int) -> str:
    text = ""
    try:
        while data := os.read(terminal, 65536):
            text += data.decode(errors="replace")
    except OSError:  # how Linux tells that the other side is closed
        pass
    os.close(terminal)
    return text
