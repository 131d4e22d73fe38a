"""Which of a machine's GPUs a process takes: Snakemake counts GPUs but does not say which one a job has.

Each GPU has slots, each slot a lock file in the machine's folder for temporary files. The operating system releases
the lock of a process that dies, however it dies.
"""

import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from cnntention.base.errors import DeviceError

POLL_S = 1.0
_held: dict[str, FileLock] = {}  # of this process, by GPU; kept here, because a lock without a reference is released


def take(gpus: Sequence[str], slots: int, log: Callable[[str], None] = print) -> int:
    """Take a free slot and keep it until this process ends; wait while there is none.

    A second process goes to another GPU as long as one is unused; a second call in one process gets the same one.

    Args:
        gpus: a name for each GPU, such as its UUID, the same in all processes of this machine.
        slots: of each GPU.
        log: takes a line of text when there is a wait.

    Returns:
        The position in ``gpus`` of the GPU that the slot belongs to.

    Raises:
        DeviceError: the machine's folder for temporary files cannot be used.
    """
    for position, gpu in enumerate(gpus):
        if gpu in _held:
            return position
    waits = False
    while True:
        try:
            free = _take_free(gpus, slots)
        except OSError as error:
            raise DeviceError(
                f"cannot lock a GPU for this process ({error}); set TMPDIR to a folder on this machine that you can "
                f"write to"
            ) from None
        if free is not None:
            return free
        if not waits:
            waits = True
            log(
                f"waiting    for a GPU: {len(gpus)} visible, machine.runs_per_gpu is {slots}, all taken; "
                f"give snakemake --resources gpu={len(gpus) * slots}, or raise machine.runs_per_gpu"
            )
        time.sleep(POLL_S)


def _take_free(gpus: Sequence[str], slots: int) -> int | None:
    """The position of a GPU with a slot that was free and is now held, or None."""
    # A folder for each user: in a shared one, locks of others could not be opened.
    folder = Path(tempfile.gettempdir(), f"cnntention-gpus-{os.getuid() if hasattr(os, 'getuid') else 'user'}")
    folder.mkdir(mode=0o700, exist_ok=True)
    for slot in range(slots):
        for position, gpu in enumerate(gpus):
            lock = FileLock(folder / f"{re.sub(r'[^A-Za-z0-9.-]', '_', gpu)}-{slot}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            _held[gpu] = lock
            return position
    return None
