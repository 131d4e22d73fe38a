"""What ends a process before its time, and how it says so: one message, no traceback."""

import contextlib
import gc
import io
import os
import signal
import sys
from collections.abc import Iterator


class CNNtentionError(Exception):
    """A problem that the user can solve. Its text names the key or file and says what to do."""


class ConfigError(CNNtentionError):
    """The configuration is wrong."""


class CheckError(CNNtentionError):
    """What was checked is not as it should be."""


class DataError(CNNtentionError):
    """A dataset cannot be obtained, or is not what it should be."""


class DeviceError(CNNtentionError):
    """The device that was asked for is not there."""


class CheckpointError(CNNtentionError):
    """A ``model.pt`` cannot be read or does not fit."""


class ExportError(CNNtentionError):
    """A model cannot be put into another format."""


class StatisticsError(CNNtentionError):
    """Runs are too few for what is asked of them, or do not fit each other."""


class TrackingError(CNNtentionError):
    """Results cannot be put into MLflow."""


class TrainingError(CNNtentionError):
    """Training cannot go on."""


class InterruptionError(KeyboardInterrupt):
    """A signal asked the process to stop.

    Like KeyboardInterrupt it is no Exception, so that no handler takes it for a fault of the work that it interrupts.
    """

    def __init__(self, message: str, number: signal.Signals):
        super().__init__(message)
        self.number = number


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """End the process with ``error: <message>`` on stderr and exit code 1 when a user's problem comes up.

    A process that was told to stop ends by that very signal, which is how a shell's loop, Snakemake and a cluster
    can tell that it did not fail by itself.

    What the process prints is UTF-8, whatever the user's machine has set: logs are read back as that.

    What it has imported is there to stay: Python's garbage collector does not go through it again. With torch that
    takes half a second at the end alone.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    gc.freeze()
    try:
        yield
        sys.stdout.flush()
    except InterruptionError as interruption:
        _end_by(interruption.number, str(interruption))
    except KeyboardInterrupt:
        _end_by(signal.SIGINT, f"stopped by {signal.SIGINT.name}")
    except CNNtentionError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        # Whoever reads has read enough, as head does. Python itself would complain of it once more at its end.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise
        sys.exit(f"error: {error.filename or 'input/output'}: {error.strerror}")


def _end_by(number: signal.Signals, message: str) -> None:
    signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr, flush=True)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)  # the first process of a container survives this
