"""Snakemake killed, stopped or started twice in the middle of a training."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from tiny_study import clone, edit_yaml, snakemake

RUN = "digits/baseline/full/seed10"
STATE = f"results/state/{RUN}.pt"


@pytest.fixture
def training(tmp_path):
    """A pipeline in the middle of a training, whose state is saved already: its folder, and its Snakemake."""
    folder = clone(tmp_path / "study")
    edit_yaml(folder, lambda config: config["models"]["baseline"].update(depth=8))
    edit_yaml(folder, lambda config: config.update(epochs=20), "tiny.yaml")
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "1", "--"]
    with open(folder / "shown.txt", "w", encoding="utf-8") as shown:
        process = subprocess.Popen(
            [*command, f"results/runs/{RUN}/model.pt"],
            cwd=folder,
            stdout=shown,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.time() + 120
    while not (folder / STATE).exists() and process.poll() is None and time.time() < end:
        time.sleep(0.05)
    assert (folder / STATE).exists(), (folder / "shown.txt").read_text()
    yield folder, process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def goes_on(folder: Path) -> None:
    """Run the pipeline again: it goes on where it was, to the end."""
    assert not (folder / f"results/runs/{RUN}/model.pt").exists()
    done = snakemake(folder, "--", f"results/runs/{RUN}/model.pt")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming   after epoch" in (folder / f"results/logs/train/{RUN}.log").read_text()
    assert pd.read_csv(folder / f"results/runs/{RUN}/history.csv")["epoch"].tolist() == list(range(1, 21))
    assert not (folder / STATE).exists()


@pytest.mark.parametrize("killed", ["all", "snakemake alone"])
def test_a_killed_pipeline_goes_on_from_the_last_epoch(training, killed):
    folder, process = training
    steps = psutil.Process(process.pid).children(recursive=True)
    assert len(steps) == 1
    if killed == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    # A training does not outlive its Snakemake, for the next one would train the same run beside it.
    assert psutil.wait_procs(steps, timeout=60)[1] == []
    refused = snakemake(folder, "--", f"results/runs/{RUN}/model.pt")
    assert refused.returncode == 1
    assert "Directory cannot be locked" in refused.stdout + refused.stderr
    assert snakemake(folder, "--unlock").returncode == 0
    goes_on(folder)


def test_a_training_that_is_done_before_a_killed_pipeline_knows_it_is_not_done_again(training):
    folder, process = training
    process.send_signal(signal.SIGSTOP)
    end = time.time() + 120
    while not (folder / f"results/runs/{RUN}/model.pt").exists() and time.time() < end:
        time.sleep(0.05)
    history = (folder / f"results/runs/{RUN}/history.csv").read_text()
    process.kill()
    process.wait()
    assert snakemake(folder, "--unlock").returncode == 0
    done = snakemake(folder, "--", f"results/runs/{RUN}/model.pt")
    assert done.returncode == 0, done.stderr[-3000:]
    log = (folder / f"results/logs/train/{RUN}.log").read_text()
    assert "resuming   after epoch 20\n" in log
    assert "\nepoch " not in log
    assert (folder / f"results/runs/{RUN}/history.csv").read_text() == history
    assert not (folder / STATE).exists()


def test_a_second_snakemake_is_refused_and_ctrl_c_saves_what_the_first_has_done(training):
    folder, process = training
    (step,) = psutil.Process(process.pid).children(recursive=True)
    step.suspend()  # lest it end before the second Snakemake has begun
    second = snakemake(folder, "--", f"results/runs/{RUN}/model.pt")
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stdout + second.stderr
    assert process.poll() is None
    step.resume()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 1
    shown = (folder / "shown.txt").read_text()
    assert re.search(rf"Failed:\n{RUN}: stopped by SIGINT in epoch \d+ after step \d+ of 12; saved in {STATE}", shown)
    assert "Traceback" not in shown
    goes_on(folder)
