"""Told to stop or killed, a training goes on where it was, to the bits of one that nobody disturbed."""

import contextlib
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from run_specs import SELFATT, run, run_spec
from test_dataset import separable, write_prepared
from test_state import assert_same

from cnntention.base import files, specs
from cnntention.base.device import Machine
from cnntention.base.errors import InterruptionError, TrainingError
from cnntention.base.layout import DataFiles
from cnntention.training import checkpoint, interruption, training
from cnntention.training import train as step
from cnntention.training.interruption import SIGNALS, Interruption
from cnntention.training.specs import RunSpec
from cnntention.training.training import Training

STOP_S = 5.0  # what a training has between the signal and its end, its state saved
PATIENCE_S = 120


def send(number: signal.Signals) -> None:
    """A signal to this process, which has come when this returns."""
    os.kill(os.getpid(), number)


# ---- what a signal does


@pytest.fixture(autouse=True)
def handlers():
    """Whatever a test does, the handlers of the test process are there again after it."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_kept_until_the_check(number):
    with Interruption() as stopping:
        stopping.check()
        send(number)
        with pytest.raises(InterruptionError, match=f"stopped by {number.name}") as caught:
            stopping.check()
    assert caught.value.number == number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_work_that_changes_nothing_at_once(number):
    def work() -> None:
        with stopping.at_once():
            send(number)
            pytest.fail("went on after the signal")

    with Interruption() as stopping:
        with pytest.raises(InterruptionError, match=number.name):
            work()
        send(number)  # is kept again
        with pytest.raises(InterruptionError, match=number.name), stopping.at_once():
            pytest.fail("began after the signal")


def test_no_handler_of_ordinary_errors_takes_a_signal_for_one():
    """Readers of files call whatever comes up a damaged file."""
    assert not issubclass(InterruptionError, Exception)


def test_a_second_signal_changes_nothing():
    with Interruption() as stopping:
        send(signal.SIGTERM)
        send(signal.SIGINT)
        send(signal.SIGTERM)
        with pytest.raises(InterruptionError):
            stopping.check()


@pytest.mark.parametrize("error", [None, ValueError])
def test_the_handlers_before_are_put_back(handlers, error):
    def work(stopping: Interruption) -> None:
        assert all(signal.getsignal(number) != handlers[number] for number in SIGNALS)
        if error:
            raise error
        send(signal.SIGTERM)
        stopping.check()

    with pytest.raises(error or InterruptionError), Interruption() as stopping:
        work(stopping)
    assert {number: signal.getsignal(number) for number in SIGNALS} == handlers


def test_a_signal_that_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruption() as stopping:
        send(signal.SIGHUP)
        stopping.check()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_outside_of_the_main_thread_nothing_changes(handlers):
    seen = []

    def work() -> None:
        with Interruption() as stopping, stopping.at_once():
            seen.append({number: signal.getsignal(number) for number in SIGNALS})

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [handlers]


# ---- where it comes in a training


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


@pytest.fixture(scope="module")
def whole(paths, tmp_path_factory) -> Training:
    """The run that nobody disturbs: 3 epochs of 4 steps."""
    return run(tmp_path_factory.mktemp("whole"), paths, SPEC)


SPEC = run_spec({"epochs": 3, "milestones": (1,)}, attention=SELFATT)


def stopped(folder: Path, paths) -> InterruptionError:
    """Run until a signal comes; nothing but the state is left then."""
    with pytest.raises(InterruptionError) as caught:
        run(folder, paths, SPEC)
    assert sorted(path.name for path in folder.iterdir()) == ["state.json", "state.pt"]
    return caught.value


def goes_on(folder: Path, paths, whole: Training) -> str:
    """Run again to the end, which is that of the whole run; returns where it went on from."""
    lines: list[str] = []
    assert_same(run(folder, paths, SPEC, lines.append), whole)
    assert sorted(path.name for path in folder.iterdir()) == ["history.csv", "model.pt"]
    return next(line for line in lines if line.startswith("resuming"))


@pytest.mark.parametrize("step", range(1, 13))
def test_after_any_step(paths, whole, tmp_path, monkeypatch, step):
    calls = iter(range(1, 13))
    with monkeypatch.context() as patched:
        check = Interruption.check
        patched.setattr(Interruption, "check", lambda self: (next(calls) == step and send(signal.SIGTERM), check(self)))
        patched.setattr(Interruption, "at_once", lambda self: contextlib.nullcontext())  # checks are of steps alone
        error = stopped(tmp_path, paths)
    epoch, position = (step - 1) // 4, (step - 1) % 4 + 1
    assert f"separable/tiny/full/seed10: stopped by SIGTERM in epoch {epoch + 1} after step {position} of 4" in str(
        error
    )
    assert str(tmp_path / "state.pt") in str(error)
    assert goes_on(tmp_path, paths, whole) == f"resuming   after epoch {epoch} and step {position} of 4"


def test_in_the_middle_of_an_evaluation(paths, whole, tmp_path, monkeypatch):
    logits = training.predict.logits
    calls = iter(range(1, 4))

    def slow(*arguments):
        if next(calls) == 2:
            send(signal.SIGINT)
            pytest.fail("the evaluation went on")
        return logits(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(training.predict, "logits", slow)
        assert "stopped by SIGINT in epoch 2 after step 4 of 4" in str(stopped(tmp_path, paths))
    assert goes_on(tmp_path, paths, whole) == "resuming   after epoch 1 and step 4 of 4"


@pytest.mark.parametrize("which", [1, 2])
def test_while_the_state_is_being_saved(paths, whole, tmp_path, monkeypatch, which):
    """And again while the state is saved that the first signal asked for."""
    fsync = os.fsync
    calls = iter(range(1, 10))

    def disturbed(descriptor: int) -> None:
        is_heartbeat = os.fstat(descriptor).st_size < 10_000
        if not is_heartbeat and next(calls) >= which:
            send(signal.SIGTERM)
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", disturbed)
        assert f"in epoch {which + 1} after step 1 of 4" in str(stopped(tmp_path, paths))
    assert goes_on(tmp_path, paths, whole) == f"resuming   after epoch {which} and step 1 of 4"


@pytest.mark.parametrize("output", ["history", "model"])
def test_while_the_outputs_are_being_written_it_is_too_late_to_stop(paths, whole, tmp_path, monkeypatch, output):
    module, name = {"history": (step.history, "write"), "model": (checkpoint, "save")}[output]
    write = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: (send(signal.SIGTERM), write(*arguments)))
    assert_same(run(tmp_path, paths, SPEC), whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "model.pt"]


@pytest.mark.parametrize("waiting_for", ["select", "load"])
def test_before_the_first_step(paths, tmp_path, monkeypatch, waiting_for):
    """Such as in the queue for a GPU."""

    def wait(*_, **__) -> None:
        send(signal.SIGTERM)
        pytest.fail("went on after the signal")

    monkeypatch.setattr(step.device if waiting_for == "select" else step.datasets, waiting_for, wait)
    with pytest.raises(InterruptionError, match="stopped by SIGTERM"):
        run(tmp_path, paths, SPEC)
    assert list(tmp_path.iterdir()) == []


# ---- real processes

# Imports once what takes seconds, and starts a process for each line of arguments: prints its id, then how it ended.
STARTER = """
import json, os, runpy, sys
import cnntention.training.train, torch._dynamo
for line in sys.stdin:
    log, *sys.argv = json.loads(line)
    process = os.fork()
    if not process:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        runpy.run_path(sys.argv[0], run_name="__main__")
        sys.exit()
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


class Process:
    """Processes of workflow_scripts/train.py for one run, one after the other."""

    def __init__(self, starter: subprocess.Popen, folder: Path, paths: tuple[Path, Path], spec: RunSpec):
        self.starter = starter
        self.results = folder / "results"
        self.files = spec.run.files(str(self.results))
        self.log = folder / "log.txt"
        values = {"spec": specs.canonical(spec), "results": self.results, "machine": '{"device": "cpu"}', "threads": 1}
        values |= {"data": paths[0], "card": paths[1], "parent": self.starter.pid}
        self.arguments = [str(self.log), "workflow_scripts/train.py"]
        for name, value in values.items():
            self.arguments += [f"--{name}", str(value)]

    def start(self) -> int:
        """A new process; returns its id."""
        self.log.write_text("", encoding="utf-8")
        print(json.dumps(self.arguments), file=self.starter.stdin, flush=True)
        return int(self.starter.stdout.readline())

    def left(self) -> list[str]:
        """Names of the files in the results folder."""
        return sorted(path.name for path in self.results.rglob("*") if path.is_file())

    def exit_code(self) -> int:
        """Of the last process, waited for; negative: the signal that it ended by."""
        return int(self.starter.stdout.readline())

    def says(self, pattern: str) -> re.Match | None:
        """The last place in the log of the last process that matches."""
        matches = list(re.finditer(pattern, self.log.read_text(encoding="utf-8"), flags=re.MULTILINE))
        return matches[-1] if matches else None

    def wait_for(self, pattern: str) -> re.Match:
        end = time.monotonic() + PATIENCE_S
        while not (match := self.says(pattern)):
            assert time.monotonic() < end, self.log.read_text(encoding="utf-8")
            time.sleep(0.01)
        return match


@pytest.fixture(scope="module")
def starter():
    """The process that starts the others."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, env=environment, **pipes) as process:
        yield process
        process.stdin.close()


def history(path: Path) -> list[dict]:
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_killed_at_12_random_moments_it_ends_with_the_bits_of_an_uninterrupted_run(starter, paths, tmp_path):
    spec = run_spec({"epochs": 60, "milestones": (20, 40)}, attention=SELFATT)
    undisturbed = run(tmp_path / "whole", paths, spec)
    job = Process(starter, tmp_path, paths, spec)
    moments = random.Random(20)
    numbers = [signal.SIGKILL] * 6 + [signal.SIGTERM] * 3 + [signal.SIGINT] * 3
    moments.shuffle(numbers)
    expected = None  # where the next process must go on
    done = 0  # epochs whose line stands in some log
    for kill, number in enumerate(numbers):
        process = job.start()
        if kill % 4:
            job.wait_for(r"^recipe ")
            time.sleep(moments.uniform(0, 4) * undisturbed.seconds / 60)
        else:
            time.sleep(moments.uniform(0, 0.1))
        os.kill(process, number)
        killed = time.monotonic()
        assert job.exit_code() == -number, job.log.read_text(encoding="utf-8")
        if number != signal.SIGKILL:
            assert time.monotonic() - killed < STOP_S
        resumed = job.says(r"^resuming   after epoch (\d+)(?: and step (\d+) of 4)?$")
        if resumed:
            if expected:
                assert resumed[0] == expected
            assert int(resumed[1]) >= done - 1  # killed between an epoch's line and its state, it costs that epoch
        lines = job.says(r"^epoch +(\d+)/60")
        done = int(lines[1]) if lines else done
        where = job.says(r"stopped by SIG\w+ in epoch (\d+) after step (\d) of 4; saved in ")
        if where:
            expected = f"resuming   after epoch {int(where[1]) - 1} and step {where[2]} of 4"
        elif lines or not resumed:
            expected = None
    assert 0 < done < 60, f"the moments are too early or too late for this machine: epoch {done}"
    job.start()
    assert job.exit_code() == 0, job.log.read_text(encoding="utf-8")
    assert job.says(r"^resuming ")
    assert history(job.files.history) == history(tmp_path / "whole/history.csv")
    weights = torch.load(job.files.model, weights_only=True)["state_dict"]
    for name, value in undisturbed.model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert job.left() == ["history.csv", "model.pt", "seed10.pt"]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_that_is_told_to_stop_says_so_in_one_line_and_ends_by_the_signal(starter, paths, tmp_path, number):
    job = Process(starter, tmp_path, paths, run_spec({"epochs": 10_000}))
    process = job.start()
    job.wait_for(r"^epoch +2/")
    os.kill(process, number)
    sent = time.monotonic()
    assert job.exit_code() == -number
    assert time.monotonic() - sent < STOP_S
    text = job.log.read_text(encoding="utf-8")
    assert re.fullmatch(
        rf"error: separable/tiny/full/seed10: stopped by {number.name} in epoch \d+ after step \d of 4; "
        r"saved in \S+seed10\.pt, run it again to go on",
        text.splitlines()[-1],
    )
    assert "Traceback" not in text
    assert job.left() == ["seed10.json", "seed10.pt"]


def test_a_run_has_one_training_at_a_time_and_death_ends_it(starter, paths, tmp_path):
    spec = run_spec({"epochs": 10_000})
    job = Process(starter, tmp_path, paths, spec)
    first = job.start()
    job.wait_for(r"^epoch +2/")

    def files():  # those being written have names that begin with a dot
        return sorted(path.name for path in job.results.rglob("[!.]*"))

    before = files()
    with pytest.raises(TrainingError, match=r"seed10: another process is training this run \(.*seed10\.lock"):
        step.train(spec, job.files, DataFiles(*paths), Machine("cpu", threads=1), pytest.fail)
    assert files() == before, "not even the heartbeat is touched"
    os.kill(first, signal.SIGKILL)
    assert job.exit_code() == -signal.SIGKILL
    second = job.start()
    job.wait_for(r"^resuming ")
    os.kill(second, signal.SIGKILL)
    job.exit_code()


# The main thread is in an operation of C's, as torch's are, in which Python runs no handler of a signal: it waits for
# a mutex, which another thread gives back when it is told to.
LONG_STEP = """
import ctypes, sys, threading
from cnntention.base.errors import reported
from cnntention.training.interruption import Interruption
c, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
c.pthread_mutex_lock(mutex)
threading.Thread(target=lambda: (sys.stdin.readline(), c.pthread_mutex_unlock(mutex)), daemon=True).start()
with reported(), Interruption(lambda line: print(line, flush=True)) as interruption:
    print("begun", flush=True)
    c.pthread_mutex_lock(mutex)
    interruption.check()
"""


@pytest.fixture
def long_step():
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", LONG_STEP], cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_long_step_says_at_once_that_it_is_the_last(long_step, number):
    long_step.send_signal(number)
    assert long_step.stdout.readline().startswith(f"stopping   on {number.name}, after this step")
    assert long_step.poll() is None
    _, errors = long_step.communicate("go on\n")
    assert errors == f"error: stopped by {number.name}\n"
    assert long_step.returncode == -number


def test_a_second_ctrl_c_ends_a_long_step(long_step):
    long_step.send_signal(signal.SIGINT)
    assert long_step.stdout.readline().startswith("stopping")
    time.sleep(2 * interruption.TWICE_S)
    long_step.send_signal(signal.SIGINT)
    assert long_step.wait() == 128 + signal.SIGINT
    assert long_step.stderr.read() == "error: stopped by a second SIGINT, within a step; run it again to go on\n"


def test_a_signal_that_comes_twice_at_once_or_from_a_scheduler_ends_no_step(long_step):
    """To the process and to its group, or SIGTERM before a time limit and at it."""
    long_step.send_signal(signal.SIGINT)
    long_step.send_signal(signal.SIGINT)
    assert long_step.stdout.readline().startswith("stopping")
    time.sleep(2 * interruption.TWICE_S)
    long_step.send_signal(signal.SIGTERM)
    time.sleep(interruption.TWICE_S)
    assert long_step.poll() is None


def test_a_process_whose_parent_is_gone_already_stops(monkeypatch):
    monkeypatch.setattr(interruption, "POLL_S", 0.01)
    with Interruption() as stopping:
        interruption.stop_with_parent(os.getppid())
        time.sleep(0.1)
        stopping.check()
        interruption.stop_with_parent(os.getpid())
        time.sleep(0.5)
        with pytest.raises(InterruptionError):
            stopping.check()
