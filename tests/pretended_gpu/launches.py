"""What a training step asks of a GPU, and the host's CPU time for it: MODEL, and eager, compiled or captured.

A line of JSON: ``launches`` (kernels, graphs, copies, fills), ``syncs`` and ``host_ms`` of a step of 128 images of
32x32 pixels of a run as in config.yaml. Of each the median of some steps.
"""

import dataclasses
import json
import statistics
import sys
import time

import stand_ins
import torch

from benchmarks.images import CLASSES, coloured_blobs
from cnntention.base import device
from cnntention.base.layout import Run
from cnntention.data.dataset import Dataset, Part
from cnntention.study.config import load
from cnntention.study.study import Study
from cnntention.training.captured import Capture
from cnntention.training.compilation import Compilation
from cnntention.training.epoch import Epoch
from cnntention.training.plan import Plan
from cnntention.training.training import Training

STEPS, MEASURED = 30, 20

Epoch._check_losses = lambda self: None  # numbers mean nothing here


def main(model: str, mode: str) -> None:
    spec = Study(load("config.yaml")).run_spec(Run("cifar10", model, "full", 10))
    machine = device.Machine("cuda")
    target = device.select(machine, log=lambda line: None)
    images, labels = (torch.from_numpy(array).to(target) for array in coloured_blobs(STEPS * spec.recipe.batch_size))
    data = Dataset(dict.fromkeys(("train", "test"), Part(images, labels)), list("0123456789"), (32, 32, 3), sha256="")
    assert len(data.class_names) == CLASSES
    plan = Plan.choose(spec, data, target, machine)
    wanted = {"compilation": Compilation(mode == "compiled", ""), "capture": Capture(mode == "captured", "")}
    training = Training(spec, data, target, dataclasses.replace(plan, **wanted))
    assert training.plan.compilation.on == wanted["compilation"].on, training.plan.compilation.reason
    assert training.plan.capture.on == wanted["capture"].on, training.plan.capture.reason
    steps = []
    before, began = stand_ins.counts(), time.process_time()

    def note() -> None:
        nonlocal before, began
        taken, counts = time.process_time() - began, stand_ins.counts()
        did = {name: counts[name] - before[name] for name in counts}
        syncs = did.pop("syncs")
        steps.append({"launches": sum(did.values()), "syncs": syncs, "host_ms": 1e3 * taken})
        before, began = stand_ins.counts(), time.process_time()

    training.run_epoch(note)
    print(json.dumps({key: statistics.median(step[key] for step in steps[-MEASURED:-1]) for key in steps[0]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
