"""What the end of a pipeline run says."""

import os
import time

import pytest

from cnntention.study.study import Study
from cnntention.workflow.summary import failures, reason, summary


@pytest.fixture
def study(config, tmp_path, monkeypatch) -> Study:
    """A study whose results lie in an empty folder."""
    monkeypatch.chdir(tmp_path)
    config["results"] = "out"
    return Study(config)


def write(path: str, text: str | bytes, age: float = 0) -> None:
    """A file below the results folder, as old as said in seconds."""
    os.makedirs(os.path.dirname(f"out/{path}"), exist_ok=True)
    with open(f"out/{path}", "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    then = time.time() - age
    os.utime(f"out/{path}", (then, then))


def messages(study: Study) -> str:
    return failures(study, since=time.time() - 60)


# ---- summary


def test_the_tables_that_are_there_are_shown_in_the_order_of_the_config(study):
    write("tables/table3.md", "**Third** ± 0.1\n")
    write("tables/table1.md", "**First**\n")
    write("tables/other.md", "**Of another study**\n")
    text = summary(study)
    assert "**Third** ± 0.1" in text
    assert text.index("**First**") < text.index("**Third**")
    assert "another" not in text


def test_what_is_there_is_named(study):
    for folder in ("tables", "gradcam", "logs"):
        os.makedirs(f"out/{folder}")
    lines = [line.split() for line in summary(study).splitlines()]
    assert not any("out/overview.html" in line for line in lines)
    write("overview.html", "")
    assert "  overview:       out/overview.html" in summary(study).splitlines()
    assert ["tables:", "out/tables/"] in lines
    assert ["Grad-CAM", "grids:", "out/gradcam/"] in lines
    assert ["logs:", "out/logs/"] in lines
    assert not any("out/figures/" in line for line in lines)


def test_a_summary_of_nothing_is_no_error(study):
    assert "Where to look" in summary(study)


# ---- failures


def test_a_users_problem_is_shown_without_what_was_logged_before(study):
    write("logs/train/mnist/mha/full/seed10.log", "run  mnist/mha\nepoch 1/2\nerror: lr is too high; try a lower one\n")
    text = messages(study)
    assert "lr is too high; try a lower one" in text
    assert "out/logs/train/mnist/mha/full/seed10.log" in text
    assert "epoch 1/2" not in text
    assert "fault of this software" not in text


def test_a_message_of_several_lines_is_shown_whole(study):
    write("logs/prepare_data/mnist.log", "error: cannot download:\n  raw/train.gz (MD5 1)\nTried:\n  http://a/: 404\n")
    text = messages(study)
    for part in ("cannot download:", "raw/train.gz (MD5 1)", "http://a/: 404"):
        assert part in text


@pytest.mark.parametrize("before", ["", "run mnist\n"])
def test_a_message_that_holds_the_word_error_is_shown_whole(study, before):
    write("logs/prepare_data/mnist.log", f"{before}error: own.npz: not whole (zip error: bad magic)\n")
    assert "own.npz: not whole (zip error: bad magic)" in messages(study)


def test_a_traceback_is_called_a_fault_and_shown_by_its_last_line(study):
    text = "epoch 1\nTraceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'head'\n"
    write("logs/evaluate/mnist.log", text)
    shown = messages(study)
    assert "KeyError: 'head'" in shown
    assert "fault of this software" in shown
    assert "out/logs/evaluate/mnist.log" in shown
    assert "x.py" not in shown


def test_every_failure_is_shown(study):
    write("logs/train/a.log", "error: first\n")
    write("logs/train/b.log", "run b\nerror: second\n")
    write("logs/table/c.log", "Traceback (most recent call last):\nValueError: third\n")
    text = messages(study)
    assert all(word in text for word in ("first", "second", "ValueError: third"))


def test_logs_of_earlier_runs_are_left_out(study):
    write("logs/train/old.log", "error: long mended\n", age=3600)
    write("logs/train/new.log", "error: still there\n")
    text = messages(study)
    assert "long mended" not in text
    assert "still there" in text


@pytest.mark.parametrize(
    "text",
    ["", "epoch 1/2  validation error: 5%\n", "train loss 1 error 6%\nfinished\n", "no error: all is well", "Killed\n"],
)
def test_a_log_without_failure_is_left_out(study, text):
    write("logs/train/fine.log", text)
    shown = messages(study)
    assert "fine.log" not in shown
    assert "see the messages above" in shown


def test_bytes_that_are_no_text_do_not_hide_a_failure(study):
    write("logs/train/odd.log", b"\xff\xfe\x00 progress\nerror: disk full\n")
    assert "disk full" in messages(study)


def test_without_any_log_one_is_sent_to_the_terminal(study):
    assert "see the messages above" in messages(study)


def test_ctrl_c_during_the_imports_is_no_fault_of_this_software(study):
    text = 'Traceback (most recent call last):\n  File "train.py", line 8\n    import torch\nKeyboardInterrupt\n'
    write("logs/train/mnist/mha.log", text)
    shown = messages(study)
    assert "stopped by SIGINT before it began" in shown
    assert "fault" not in shown


SBATCH = "sbatch: error: invalid partition: none\nsbatch: error: Batch job submission failed"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("exit status 1", "exit status 1"),
        ("", ""),
        (
            f"SLURM sbatch failed. The error message was '{SBATCH}'.\n    sbatch call:\n        sbatch\n{SBATCH}",
            "SLURM sbatch failed. The error message was 'sbatch: error: invalid partition: none "
            "sbatch: error: Batch job submission failed'.",
        ),
        (
            "\n".join([SBATCH] * 4),
            "sbatch: error: invalid partition: none sbatch: error: Batch job submission failed",
        ),
    ],
)
def test_what_an_executor_says_is_said_once_in_a_line(message, shown):
    assert reason(message) == shown
