"""One measurement in a process of its own: ours or the reference, one model. Prints a line of JSON.

Keys: ``images_per_s`` (training, steady state, data included), ``eval_images_per_s``, ``first_step_s`` (from the start
of the process to the end of the first step), ``peak_mb`` (resident memory of the process, or allocated memory of the
GPU), and for ours ``data_share`` (of a step's time that augmentation and normalisation take), ``precision``,
``compiled``.
"""

import argparse
import dataclasses
import itertools
import json
import math
import resource
import sys
import time
from collections.abc import Callable

import torch

from benchmarks import reference
from benchmarks.images import CLASSES, coloured_blobs
from cnntention.base import device
from cnntention.base.layout import Run
from cnntention.data.dataset import Dataset, Part
from cnntention.study.config import load
from cnntention.study.study import Study
from cnntention.training import checkpoint
from cnntention.training.plan import Plan
from cnntention.training.specs import RunSpec
from cnntention.training.training import Training

TRAIN_IMAGES = 50_000
LEAST_STEPS = 3
"""Measured, however slow they are."""
DATA_BATCHES = 20


class EnoughError(Exception):
    """The clock has what it wants."""


class Clock:
    """Takes the time of steps: the first one, then those after the warm-up until a number of seconds is over."""

    def __init__(self, target: torch.device, started: float, warm_up: int, seconds: float, batch_size: int):
        self.target, self.started, self.warm_up, self.seconds = target, started, warm_up, seconds
        self.batch_size = batch_size
        self.steps, self.first, self.since, self.images_per_s = 0, 0.0, 0.0, 0.0

    def tick(self) -> None:
        """After each step; raises EnoughError at the end."""
        self.steps += 1
        measured = self.steps - self.warm_up
        if self.steps == 1:
            synchronize(self.target)
            self.first = time.time() - self.started
        if measured == 0:
            synchronize(self.target)
            self.since = time.perf_counter()
        if measured >= LEAST_STEPS and time.perf_counter() - self.since > self.seconds:
            synchronize(self.target)
            self.images_per_s = measured * self.batch_size / (time.perf_counter() - self.since)
            raise EnoughError


def synchronize(target: torch.device) -> None:
    """Wait until the GPU has done what it was told."""
    if target.type == "cuda":
        torch.cuda.synchronize()


def timed(target: torch.device, work: Callable[[], object]) -> float:
    """Seconds of the second call; the first one warms up."""
    for _ in range(2):
        synchronize(target)
        began = time.perf_counter()
        work()
        synchronize(target)
    return time.perf_counter() - began


def ours(spec: RunSpec, target: torch.device, machine: device.Machine, clock: Clock, test_images: int) -> dict:
    """Epochs of a real training, until the clock has what it wants."""
    parts = {
        name: Part(*(torch.from_numpy(array).to(target) for array in coloured_blobs(count)))
        for name, count in (("train", TRAIN_IMAGES), ("test", test_images))
    }
    data = Dataset(parts, [str(number) for number in range(CLASSES)], (32, 32, 3), sha256="")
    training = Training(spec, data, target, Plan.choose(spec, data, target, machine))
    try:
        while True:
            training.run_epoch(clock.tick)
            training.epoch = None
    except EnoughError:
        pass
    evaluation = timed(target, training.judge)
    batches = torch.randint(TRAIN_IMAGES, (DATA_BATCHES, clock.batch_size), device=target)
    images = timed(target, lambda: [training.step.images(index) for index in batches])
    return {
        "eval_images_per_s": test_images / evaluation,
        "data_share": images / DATA_BATCHES * clock.images_per_s / clock.batch_size,
        "precision": training.plan.precision.name,
        "compiled": training.plan.compilation.on,
    }


def plain(spec: RunSpec, target: torch.device, workers: int, clock: Clock, test_images: int) -> dict:
    """The reference."""
    train, test = coloured_blobs(TRAIN_IMAGES), coloured_blobs(test_images)
    train_loader, test_loader = reference.loaders(train, test, spec, workers, target.type == "cuda")
    model = reference.plain(checkpoint.build(spec, 3, CLASSES)).to(target)
    optimizer = reference.build_optimizer(model, spec.recipe)
    try:
        for _ in itertools.count():
            model.train()
            for images, labels in train_loader:
                reference.train_step(model, optimizer, images, labels, target)
                clock.tick()
    except EnoughError:
        pass
    return {"eval_images_per_s": test_images / timed(target, lambda: reference.evaluate(model, test_loader, target))}


def peak_mb(target: torch.device) -> float:
    """Of this process alone: the reference's workers come on top."""
    if target.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=("ours", "reference"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--started", type=float, required=True)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--workers", type=int, default=0, help="of the reference's DataLoader")
    parser.add_argument("--sharing", type=int, default=1, help="how many processes share the GPU")
    args = parser.parse_args()
    study = Study(load("config.yaml"))
    spec = dataclasses.replace(study.training_spec(Run("cifar10", args.model, "full", 10)), precision=args.precision)
    machine = device.Machine(args.device, args.threads, args.sharing)
    if args.side == "ours":
        target = device.select(machine, log=lambda line: None)
    else:
        target = torch.device(args.device)
        torch.set_num_threads(args.threads)
    on_gpu = target.type == "cuda"
    torch.manual_seed(spec.seed)
    # On a GPU an epoch and more: its last batch is smaller, and kernels are chosen anew for it.
    warm_up = math.ceil(TRAIN_IMAGES / spec.recipe.batch_size) + 100 if on_gpu else 2
    clock = Clock(target, args.started, warm_up, args.seconds, spec.recipe.batch_size)
    arguments = (clock, 10_000 if on_gpu else 500)
    if args.side == "ours":
        measured = ours(spec, target, machine, *arguments)
    else:
        measured = plain(spec, target, args.workers, *arguments)
    measured |= {"images_per_s": clock.images_per_s, "first_step_s": clock.first, "peak_mb": peak_mb(target)}
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
