"""Images to measure with: made up, of CIFAR-10's shape, since speed does not depend on what they show."""

import numpy as np

CLASSES = 10


def coloured_blobs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth random pictures uint8 ``[N, 32, 32, 3]`` and random labels int64 ``[N]``."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2), random.integers(0, CLASSES, count)
