"""Problems that a user can mend, and how a process reports them: one message, no traceback, exit code 1."""

import contextlib
import sys
from collections.abc import Iterator


class CNNtentionError(Exception):
    """A problem that the user can mend. Its text names the key or file and says what to do."""


class ConfigError(CNNtentionError):
    """The configuration is wrong."""


class DataError(CNNtentionError):
    """A dataset cannot be had, or is not what it should be."""


class DeviceError(CNNtentionError):
    """The device that was asked for is not there."""


class CheckpointError(CNNtentionError):
    """A ``model.pt`` cannot be read or does not fit."""


class TrackingError(CNNtentionError):
    """Results cannot be put into MLflow."""


class TrainingError(CNNtentionError):
    """Training cannot go on."""


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """End the process with ``error: <message>`` on stderr and exit code 1 where a user's problem comes up."""
    try:
        yield
    except CNNtentionError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise
        sys.exit(f"error: {error.filename or 'input/output'}: {error.strerror}")
