"""How far runs have come, from files laid out by hand, and from those of a real training."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, SMALL
from made import write_evaluation, write_weights

from cnntention.base import layout, specs
from cnntention.base.errors import InterruptionError
from cnntention.base.layout import Run
from cnntention.study.study import Study
from cnntention.training import history
from cnntention.training.heartbeat import Heartbeat
from cnntention.workflow import progress
from cnntention.workflow.progress import Row, rows

RUN = Run("cifar10", "mha", "full", 10)
TUNE = Run("cifar10", "cbam-16", "tune", 10)
NOW = 1_800_000_000.0
EPOCH_S = 40.0


class Files:
    """A study in an empty folder, whose files are laid out one by one."""

    def __init__(self, config: dict):
        self.study = Study(config)

    def path(self, pattern: str, run: Run = RUN) -> Path:
        return Path(self.study.run_path(pattern, run))

    def write(self, path: Path, text: str, age: float = 0.0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (NOW - age, NOW - age))

    def log(self, text: str, age: float = 0.0, step: str = "train", of: object = RUN) -> None:
        self.write(Path(self.study.path(layout.LOG, step=step, of=of)), text, age)

    def epochs(self, number: int, monitored: str = "test") -> list[dict]:
        """Rows of a history, the errors 100/n and 200/n percent."""
        errors = ("train_error", 100), (f"{monitored}_error", 200)
        losses = {"lr": 0.1, "train_loss": 1.0, f"{monitored}_loss": 1.0}
        return [
            {"epoch": n, "seconds": EPOCH_S, **losses} | {key: value / n for key, value in errors}
            for n in range(1, number + 1)
        ]

    def heartbeat(self, epochs: int, age: float = 0.0, error: Exception | None = None, run: Run = RUN, **spec) -> None:
        """As a training leaves it after some epochs, and after an error that stopped it."""
        heart = Heartbeat(
            self.path(layout.HEARTBEAT, run), dataclasses.replace(self.study.run_spec(run), **spec), "H100"
        )
        heart.beat(self.epochs(epochs), EPOCH_S if epochs else None)
        if error:
            heart.__exit__(type(error), error, None)
        os.utime(heart.path, (NOW - age, NOW - age))

    def state(self) -> None:
        self.write(self.path(layout.STATE), "tensors")

    def trained(self, epochs: int = 182, run: Run = RUN, **spec) -> list[dict]:
        weights = self.path(layout.MODEL, run)
        write_weights(weights, self.spec(run) | spec, EPOCH_S * epochs, epochs)
        os.utime(weights, (NOW - 60, NOW - 60))
        done = self.epochs(epochs, "test" if run.split == "full" else "validation")
        history.write(self.path(layout.HISTORY, run), done)
        return done

    def evaluated(self, done: list[dict], run: Run = RUN, **spec) -> None:
        seconds = sum(row["seconds"] for row in done)
        training = {"epochs": len(done), "seconds": seconds, "device": "H100", "precision": "bf16"}
        write_evaluation(Path(self.study.results), run, self.spec(run) | spec, training=training)

    def spec(self, run: Run) -> dict:
        return specs.plain(self.study.run_spec(run))

    def row(self, run: Run = RUN) -> Row:
        (row,) = [row for row in rows(self.study, NOW) if row.run == run]
        return row


@pytest.fixture
def files(config, tmp_path, monkeypatch) -> Files:
    monkeypatch.chdir(tmp_path)
    return Files(config)


# ---- before and after training


def test_without_any_file_all_runs_wait_in_the_order_of_the_study(files):
    found = rows(files.study, NOW)
    assert [row.run for row in found] == files.study.runs()
    assert {(row.state, row.epoch, row.epochs, row.note) for row in found} == {("waiting", None, 182, "")}


def test_a_job_that_waits_for_a_gpu_says_so(files):
    files.log("waiting    for a GPU: 1 visible, all taken\n", age=7200)
    row = files.row()
    assert row.state == "waiting"
    assert row.note == "its log, 2.0 h ago: waiting for a GPU: 1 visible, all taken"


def test_a_trained_run_shows_its_last_epoch(files):
    files.trained()
    row = files.row()
    assert (row.state, row.epoch, row.epochs) == ("trained", 182, 182)
    assert (row.train_error, row.error) == (pytest.approx(100 / 182), pytest.approx(200 / 182))


def test_an_evaluated_run_shows_where_it_was_trained(files):
    files.evaluated(files.trained())
    row = files.row()
    assert (row.state, row.device, row.note, row.seconds_left) == ("evaluated", "H100", "", None)


def test_a_tuning_run_shows_its_validation_error(files):
    files.evaluated(files.trained(run=TUNE), TUNE)
    assert (files.row(TUNE).state, files.row(TUNE).error) == ("evaluated", pytest.approx(200 / 182))


def test_a_run_of_another_config_is_stale(files):
    done = files.trained(precision="bf16")
    assert (files.row().state, files.row().note) == ("stale", "made by another config")
    files.evaluated(done, precision="bf16")
    assert (files.row().state, files.row().note) == ("stale", "made by another config")


def test_weights_that_do_not_say_what_made_them_are_named(files):
    files.trained()
    files.write(files.path(layout.MODEL), "weights")
    assert (files.row().state, files.row().note) == ("trained", "its model.pt is damaged, or of another training")


def test_the_evaluation_of_an_earlier_training_does_not_count(files):
    done = files.trained()
    files.evaluated([row | {"seconds": EPOCH_S + 1} for row in done])
    assert files.row().state == "trained"
    files.evaluated(done[:-1])
    assert files.row().state == "trained"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"training": 3}', '{"training": {"epochs": 182}}', "[" * 99999])
def test_a_damaged_evaluation_counts_as_none(files, text):
    files.trained()
    files.write(files.path(layout.EVAL), text)
    assert files.row().state == "trained"


@pytest.mark.parametrize("text", ["", "epoch\n1\n", "\x00", '"', "epoch,lr\n1,2,3,4\n", "<html>\n"])
def test_a_damaged_history_is_named(files, text):
    files.trained()
    whole = files.path(layout.HISTORY).read_text()
    files.write(files.path(layout.HISTORY), text)
    assert (files.row().state, files.row().note) == ("trained", "its history.csv is missing or damaged")
    files.write(files.path(layout.HISTORY), whole)
    assert files.row().note == ""


# ---- in training


def test_a_training_run_shows_its_last_epoch_and_the_time_left(files):
    files.heartbeat(10, age=15)
    files.log("epoch 10/182\n", age=15)
    row = files.row()
    assert (row.state, row.epoch, row.train_error, row.error) == ("training", 10, 10.0, 20.0)
    assert row.seconds_left == 172 * EPOCH_S - 15
    assert (row.device, row.note) == ("H100", "")


def test_in_its_first_epoch_nobody_knows_the_time_left(files):
    files.heartbeat(0, age=1200)
    assert (files.row().state, files.row().epoch, files.row().seconds_left) == ("training", 0, None)
    files.heartbeat(0, age=1900)
    assert files.row().state == "no news"


def test_silence_counts_in_epochs(files):
    files.heartbeat(10, age=3 * EPOCH_S - 1)
    assert files.row().state == "training"
    files.heartbeat(10, age=5 * EPOCH_S)
    row = files.row()
    assert (row.state, row.epoch, row.seconds_left) == ("no news", 10, None)
    assert row.note == "for 3 min, an epoch takes 40 s; if killed, it starts anew"
    files.state()
    assert files.row().note.endswith("if killed, it goes on after epoch 10")


def test_lines_of_the_log_are_news(files):
    """Of a second attempt before its first epoch."""
    files.heartbeat(10, age=90_000)
    files.log("device     H100\n", age=30)
    assert files.row().state == "training"


def test_a_clock_that_is_behind_makes_no_negative_times(files):
    files.heartbeat(10, age=-500)
    assert (files.row().state, files.row().seconds_left) == ("training", 172 * EPOCH_S)


def test_a_training_by_another_config_is_said_to_be_one(files):
    files.heartbeat(10, age=5, precision="bf16")
    assert (files.row().state, files.row().note) == ("training", "by another config than this one")
    files.heartbeat(10, age=90_000, precision="bf16")
    assert (files.row().state, files.row().note) == ("waiting", "")


def test_a_second_training_of_an_evaluated_run_counts(files):
    files.evaluated(files.trained())
    files.heartbeat(10)
    assert (files.row().state, files.row().epoch) == ("training", 10)


# ---- stopped

STOPPED = InterruptionError("cifar10/mha/full/seed10: stopped by SIGTERM in epoch 11", signal.SIGTERM)


def test_an_interrupted_run_says_where_it_goes_on(files):
    files.heartbeat(10, age=9000, error=STOPPED)
    files.state()
    files.log(f"epoch 10/182\nerror: {STOPPED}\n", age=8999)
    row = files.row()
    assert (row.state, row.epoch, row.note) == ("interrupted", 10, "goes on after epoch 10")
    files.path(layout.STATE).unlink()
    assert files.row().note == "starts anew"


def test_without_a_log_the_heartbeat_tells_of_the_interruption(files):
    files.heartbeat(10, age=9000, error=STOPPED)
    files.log("of an earlier attempt\n", age=20_000)
    assert files.row().state == "interrupted"


def test_an_interrupted_run_that_is_started_again_is_in_training(files):
    files.heartbeat(10, age=9000, error=STOPPED)
    files.log("", age=3)
    row = files.row()
    assert (row.state, row.note, row.seconds_left) == ("training", "starting again", None)


def test_a_run_interrupted_under_another_config_waits(files):
    files.heartbeat(10, age=9000, error=STOPPED, precision="bf16")
    files.state()
    files.log(f"error: {STOPPED}\n", age=8999)
    assert (files.row().state, files.row().note) == ("waiting", "")


@pytest.mark.parametrize("text", ["", "{", '{"spec": 3}'])
def test_a_state_without_a_whole_heartbeat_is_one_to_go_on_from(files, text):
    files.state()
    files.write(files.path(layout.HEARTBEAT), text)
    assert (files.row().state, files.row().note) == ("interrupted", "there is a state to go on from")


def test_a_failed_run_shows_the_message(files):
    error = ValueError("cifar10/mha: the training loss became nan; try a lower lr")
    files.heartbeat(3, age=9000, error=error)
    files.state()
    row = files.row()
    assert (row.state, row.epoch, row.note) == ("failed", 3, str(error))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("error: machine.device is cuda, and torch finds no cuda device\n  second line\n", "machine.device is cuda"),
        ("run x\nTraceback (most recent call last):\n  File\nImportError: no torch\n", "ImportError: no torch"),
    ],
)
def test_what_failed_before_the_first_epoch_is_read_from_the_log(files, text, note):
    files.log(text)
    assert files.row().state == "failed"
    assert files.row().note.startswith(note)
    assert "second" not in files.row().note


def test_a_second_attempt_that_fails_before_its_first_epoch_has_failed(files):
    files.heartbeat(10, age=9000, error=STOPPED)
    files.state()
    files.log("error: out of memory\n", age=100)
    assert (files.row().state, files.row().note) == ("failed", "out of memory")


def test_a_failed_preparation_is_shown_at_the_runs_that_wait_for_it(files):
    files.log("error: cannot download this dataset:\n  a\n", step="prepare_data", of="cifar10")
    assert (files.row().state, files.row().note) == ("failed", "cannot download this dataset:")
    assert files.row(Run("mnist", "mha", "full", 10)).state == "waiting"
    files.write(Path(files.study.path(layout.DATA, dataset="cifar10")), "prepared by hand since then")
    assert files.row().state == "waiting"


def test_a_failed_evaluation_is_shown_until_the_run_is_trained_again(files):
    files.trained()
    files.log("error: cannot read it\n", step="evaluate")
    assert (files.row().state, files.row().note) == ("failed", "evaluation: cannot read it")
    files.log("error: cannot read it\n", step="evaluate", age=3600)
    assert files.row().state == "trained"


def test_a_message_cannot_change_the_terminal(files):
    files.log("error: \x1b[31mred\x07\x9b2J alert\n")
    assert files.row().note == "[31mred2J alert"


@pytest.mark.parametrize("name", ["HEARTBEAT", "HISTORY", "EVAL", "STATE", "MODEL"])
def test_a_folder_in_place_of_a_file_breaks_nothing(files, name):
    files.path(getattr(layout, name)).mkdir(parents=True)
    assert files.row().state in progress.STATES
    Path(files.study.path(layout.LOG, step="train", of=RUN)).mkdir(parents=True)
    assert files.row().state in progress.STATES


# ---- a real training in the background

TINY = SMALL | {
    "recipes": {"short": SMALL["recipes"]["short"] | {"batch_size": 512, "epochs": 30}},
    "tables": {
        "accuracies": {
            "kind": "accuracy",
            "caption": "Accuracies",
            "datasets": ["digits"],
            "split": "full",
            "models": ["baseline"],
            "reference": "baseline",
        }
    },
    "figures": {},
    "gradcam": {},
}


def test_a_real_training_is_followed_from_its_first_epoch_to_its_evaluation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump(TINY))
    study = Study(TINY)

    def start(*step: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "cnntention", step[0], "digits", *step[1:]]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def row() -> Row:
        return rows(study, time.time())[0]

    def seen_until(process: subprocess.Popen, condition) -> Row:
        end = time.time() + 120
        while time.time() < end and process.poll() is None:
            if condition(row()):
                return row()
            time.sleep(0.01)
        raise AssertionError(f"the training ended, or two minutes have passed: {row()}")

    assert row().state == "waiting"
    assert start("prepare").wait() == 0
    training = start("train", "baseline", "--threads", "1")
    at_first = seen_until(training, lambda row: row.state == "training")
    later = seen_until(training, lambda row: row.epoch and row.epoch >= 3)
    assert (at_first.epochs, later.state) == (30, "training")
    assert later.device.startswith("CPU")
    assert 0 <= later.seconds_left < 120
    assert 0 <= later.error <= 100

    training.send_signal(signal.SIGTERM)
    assert training.wait() == -signal.SIGTERM
    stopped = row()
    assert stopped.state == "interrupted"
    assert stopped.note == f"goes on after epoch {stopped.epoch}"
    assert stopped.epoch >= 3

    training = start("train", "baseline", "--threads", "1")
    assert seen_until(training, lambda row: row.state == "training").epoch >= stopped.epoch
    assert training.wait() == 0
    assert (row().state, row().epoch, row().note) == ("trained", 30, "")
    assert start("evaluate", "baseline").wait() == 0
    assert row().state == "evaluated"
    assert not [path for path in Path("out/state").rglob("*") if path.is_file()]
    evaluation = json.loads(Path("out/runs/digits/baseline/full/seed3/eval.json").read_text())
    assert row().error == pytest.approx(evaluation["error"], abs=1e-4)
    assert evaluation["spec"] == specs.plain(study.run_spec(study.runs()[0]))


def test_it_starts_without_torch():
    code = (
        "import sys, cnntention.workflow.progress, cnntention.workflow.watch; "
        "print({'torch', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
