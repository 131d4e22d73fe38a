"""Being told to stop: SIGTERM (a time limit, a preempted job, a reboot) and SIGINT (Ctrl-C)."""

import contextlib
import signal
import threading
from collections.abc import Iterator

from cnntention.errors import TrainingError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class InterruptionError(TrainingError):
    """A signal asked the training to stop."""


class Interruption:
    """Within ``with``, signals to stop are kept until :meth:`check`, where the training can be left.

    Python runs signal handlers in the main thread alone; elsewhere nothing changes.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._at_once = False
        self._before: dict = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: object) -> None:
        self._received = signal.Signals(number)
        if self._at_once:
            self.check()

    def check(self) -> None:
        """Raise InterruptionError where a signal has come."""
        if self._received:
            raise InterruptionError(f"stopped by {self._received.name}")

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, a signal raises InterruptionError wherever it comes: for work that changes nothing."""
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False
