"""How many CPU cores a process may use."""

import os


def count() -> int:
    """Those that it is bound to; where nothing binds it (macOS), all of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
