"""Being told to stop: SIGTERM (a time limit, a preempted job, a reboot), SIGINT (Ctrl-C), SIGHUP (a lost terminal)."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

from cnntention.base.errors import InterruptionError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_S = 1.0
TWICE_S = 0.5  # a signal to a process and to its group is one


class Interruption:
    """Within ``with``, signals to stop are held until :meth:`check`, where the training can be left.

    A line of the log says so at once, since a step may take minutes. A second Ctrl-C ends the process then and there;
    other signals may come twice without anybody's meaning it so: to a process and to its group, or from a scheduler.

    A signal that is ignored already (SIGHUP under ``nohup``) stays so. Python runs signal handlers in the main thread
    alone; elsewhere nothing changes.

    Args:
        log: is called with each line of text.
    """

    def __init__(self, log: Callable[[str], None] = print) -> None:
        self._log = log
        self._received: signal.Signals | None = None
        self._at_once = False
        self._before: dict = {}
        self._watch: _Watch | None = None

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._receive)
            self._watch = _Watch(self._log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._watch:
            self._watch.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: object) -> None:
        self._received = signal.Signals(number)
        if self._at_once:
            self.check()

    def check(self) -> None:
        """Raise InterruptionError if a signal has come."""
        if self._received:
            raise InterruptionError(f"stopped by {self._received.name}", self._received)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, a signal raises InterruptionError at once: for work that changes nothing."""
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False


class _Watch:
    """A thread that sees signals at once, also while the main thread is within an operation of torch's.

    Python's own handlers wait for the end of the operation. What the interpreter does at once is to write the signal's
    number into a pipe.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """In the main thread."""
        signal.set_wakeup_fd(self._before)
        os.close(self._writing)
        self._thread.join()
        os.close(self._reading)

    def _run(self) -> None:
        first = None
        while byte := os.read(self._reading, 1):
            number = byte[0]
            if number not in SIGNALS:
                continue
            if first is None:
                first = time.monotonic()
                self._log(f"stopping   on {signal.Signals(number).name}, after this step; Ctrl-C again: at once")
            elif number == signal.SIGINT and time.monotonic() - first > TWICE_S:
                _end_at_once()


def _end_at_once() -> None:
    """Whatever the main thread is doing; what came after the last state is lost."""
    sys.stdout.flush()
    print("error: stopped by a second SIGINT, within a step; run it again to go on", file=sys.stderr, flush=True)
    os._exit(128 + signal.SIGINT)


def stop_with_parent(parent: int) -> None:
    """Send this process SIGTERM when its parent has died: Snakemake, killed.

    It would go on, and the next Snakemake would train the same run beside it.

    Args:
        parent: its process id, handed over, since a parent that has died already could not be looked up.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
