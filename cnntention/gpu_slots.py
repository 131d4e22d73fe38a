"""Which of a machine's GPUs a process takes: Snakemake counts GPUs and does not say which one a job got.

Each GPU has slots, each slot a lock file in the machine's folder for temporary files. The operating system releases
the lock of a process that dies, whatever it dies of.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

POLL_S = 1.0
_HELD: list[FileLock] = []  # a lock that nobody refers to is released


def take(gpus: Sequence[str], slots: int, log: Callable[[str], None] = print) -> int:
    """Take a free slot until this process ends; wait while there is none.

    A second process goes to another GPU as long as one is unused.

    Args:
        gpus: a name for each GPU, such as its UUID, the same in all processes of this machine.
        slots: of each GPU.
        log: takes a line of text when there is a wait.

    Returns:
        The position in ``gpus`` of the GPU that the slot belongs to.
    """
    # A folder for each user: in a shared one, locks of others could not be opened.
    folder = Path(tempfile.gettempdir(), f"cnntention-gpus-{os.getuid() if hasattr(os, 'getuid') else 'user'}")
    folder.mkdir(mode=0o700, exist_ok=True)
    waits = False
    while True:
        for slot in range(slots):
            for position, gpu in enumerate(gpus):
                lock = FileLock(folder / f"{gpu}-{slot}.lock")
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                _HELD.append(lock)
                return position
        if not waits:
            waits = True
            log(
                f"waiting    for a GPU: {len(gpus)} visible, machine.runs_per_gpu is {slots}, all taken; "
                f"give snakemake --resources gpu={len(gpus) * slots}, or raise machine.runs_per_gpu"
            )
        time.sleep(POLL_S)
