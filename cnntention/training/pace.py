"""A word before the first step where a step takes minutes: attention grows with the fourth power of an image's side."""

import copy
import time

import torch

from cnntention.base.words import duration
from cnntention.training.compilation import as_it_was
from cnntention.training.training import Training

LONG_STEP_S = 60.0
POSITIONS = 64 * 64
"""Of smaller images no step takes that long, and nothing is tried."""
TRIED = 2
"""Images: batch norm cannot be trained on one."""


def remark(training: Training) -> str | None:
    """What is to be said of a training whose steps are long, judged by two images; None where they are not.

    The training goes on as if nothing had been tried.
    """
    height, width = training.step.part.images.shape[1:3]
    if not training.spec.attention or height * width < POSITIONS:
        return None
    step = copy.copy(training.step)
    step.forward = training.model  # compiled, it would be so once more for a batch of this size
    with as_it_was(training.model):
        training.model.train()
        for _ in range(2):  # the first call warms up
            started = time.perf_counter()
            step.rehearse(TRIED)
            if training.device.type == "cuda":
                torch.cuda.synchronize()
        seconds = (time.perf_counter() - started) / TRIED * training.spec.recipe.batch_size
    if seconds < LONG_STEP_S:
        return None
    return (
        f"a step takes {duration(seconds)}, since attention compares each of {height}x{width} positions with each: "
        f"smaller images (datasets.{training.spec.dataset}.image_size) or a smaller batch_size make it shorter"
    )
