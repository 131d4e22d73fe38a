"""Being told to stop: SIGTERM (a time limit, a preempted job, a reboot), SIGINT (Ctrl-C), SIGHUP (a lost terminal)."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

from cnntention.base.errors import InterruptionError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_S = 1.0


class Interruption:
    """Within ``with``, signals to stop are kept until :meth:`check`, where the training can be left.

    A signal that is ignored already (SIGHUP under ``nohup``) stays so. Python runs signal handlers in the main thread
    alone; elsewhere nothing changes.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._at_once = False
        self._before: dict = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._receive)
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
            raise InterruptionError(f"stopped by {self._received.name}", self._received)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, a signal raises InterruptionError wherever it comes: for work that changes nothing."""
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False


def stop_with_parent(parent: int) -> None:
    """Send this process SIGTERM when its parent has died: Snakemake, killed.

    It would go on, and the next Snakemake would train the same run beside it.

    Args:
        parent: its process id; looked up by this process, it might have died already.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
