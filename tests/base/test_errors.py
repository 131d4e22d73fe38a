"""How a process ends before its time: one line, and an exit code or signal that says why."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import ROOT

PROGRAM = """
import os, signal
from cnntention.base.errors import *
from cnntention.base.errors import reported
print("begun")
with reported():
    {}
print("went on")
"""


def ended(statement: str) -> subprocess.CompletedProcess:
    program = PROGRAM.format(statement)
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        ("raise DataError('data.npz: damaged')", 1, "error: data.npz: damaged"),
        ("open('/nowhere/config.yaml')", 1, "error: /nowhere/config.yaml: No such file or directory"),
        ("raise OSError(28, 'No space left on device')", 1, "error: input/output: No space left on device"),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "error: stopped by SIGINT"),
        ("raise InterruptionError('mha: stopped by SIGTERM', signal.SIGTERM)", -signal.SIGTERM, "error: mha: stopped"),
        ("raise InterruptionError('mha: stopped by SIGHUP', signal.SIGHUP)", -signal.SIGHUP, "error: mha: stopped by"),
    ],
)
def test_what_a_user_can_mend_and_signals_end_with_one_line(statement, code, message):
    result = ended(statement)
    assert result.returncode == code
    assert result.stdout == "begun\n"
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(message)


@pytest.mark.parametrize("statement", ["1 / 0", "raise OSError"])
def test_faults_of_the_software_show_where_they_are(statement):
    result = ended(statement)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_what_ends_well_goes_on():
    result = ended("pass")
    assert (result.returncode, result.stdout, result.stderr) == (0, "begun\nwent on\n", "")


def test_a_loop_in_a_shell_ends_at_ctrl_c():
    """A shell goes on with its loop after a command that took Ctrl-C and ended as if nothing had been."""
    loop = 'for seed in 10 11; do "$PYTHON" -c "$PROGRAM"; done'
    program = PROGRAM.format("import time; print('asleep', flush=True); time.sleep(60)")
    with subprocess.Popen(
        ["bash", "-c", loop],
        cwd=ROOT,
        env=os.environ | {"PYTHON": sys.executable, "PROGRAM": program},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        assert [shell.stdout.readline(), shell.stdout.readline()] == ["begun\n", "asleep\n"]
        os.killpg(shell.pid, signal.SIGINT)
        assert shell.stdout.read() == ""
