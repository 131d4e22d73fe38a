"""The states of all generators of random numbers that belong to the process: torch's, numpy's and Python's own.

Weights are drawn from torch's, and blocks may draw random numbers of their own (initial values, dropout), from any of
these.
"""

import random
from typing import cast

import numpy as np
import torch


def seed(number: int) -> None:
    """Begin with a seed, which must lie in 0..2^32 - 1 as numpy asks for."""
    torch.manual_seed(number)
    np.random.seed(number)
    random.seed(number)


def states() -> dict:
    """As plain values and tensors."""
    kind, keys, position, has_gauss, gauss = cast(tuple, np.random.get_state())
    version, internal, gauss_next = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        # Only that of the GPU in use: the next process may see another number of GPUs.
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
        "numpy": [kind, keys.tolist(), position, has_gauss, gauss],
        "python": [version, list(internal), gauss_next],
    }


def restore(states: dict) -> None:
    """Go on from there."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None:
        torch.cuda.set_rng_state(states["cuda"])
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    version, internal, gauss_next = states["python"]
    random.setstate((version, tuple(internal), gauss_next))
