"""The step ``measure``: one instrument on one trained network, from files to files."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cnntention.attention import kernel
from cnntention.base import specs
from cnntention.base.device import Machine, describe, memory_format, select
from cnntention.base.errors import DataError
from cnntention.base.files import atomic_path, write_text
from cnntention.base.layout import DataFiles
from cnntention.base.memory import enough_memory
from cnntention.data import dataset as datasets
from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part
from cnntention.data.split import judging_part
from cnntention.instruments.contract import Measurement, Number, Subject
from cnntention.instruments.registry import catalogue
from cnntention.instruments.specs import InstrumentSpec
from cnntention.training import checkpoint

CHOICE_SEED = 0
"""Of the choice among images, which is the same for every model, seed and instrument."""


def measure(
    spec: InstrumentSpec,
    model_path: str | os.PathLike,
    data_files: DataFiles,
    stem: str | os.PathLike,
    machine: Machine | None = None,
) -> Measurement:
    """Apply an instrument to a checkpoint, and write ``stem`` + ``.json``, the numbers, and ``.npz``, the arrays.

    Raises:
        CheckpointError: the checkpoint is unreadable, was trained on other data, or has not what the instrument needs.
        DataError: the prepared data are missing or damaged, or have fewer images than are asked for.
        DeviceError: the device is not there, or runs out of memory.
    """
    trained = checkpoint.load(model_path)
    with enough_memory(os.fspath(stem), "run fewer at once"):
        machine = machine or Machine()
        target = select(machine)
        data = datasets.load(data_files.data, data_files.card, trained.spec.validation_images, target)
        trained.require_data(data.sha256, model_path)
        kernel.use(trained.spec.attention, target, machine.compile)
        subset = judging_part(trained.spec.split)
        part, indices = choose(data.parts[subset], spec, f"{data_files.data}: {subset}")
        subject = Subject(
            trained.model.to(target).to(memory_format=memory_format(target)),
            part,
            indices,
            Normalizer(trained.spec.normalization, data.in_channels, target),
            trained.spec,
            data,
        )
        found = catalogue()[spec.kind].load().measure(subject, **spec.options)
    report = {
        "instrument": specs.plain(spec),
        "spec": specs.plain(trained.spec),
        "subset": subset,
        "images": len(part),
        "numbers": [_plain(number) for number in found.numbers],
        "device": describe(target),
        "data_sha256": data.sha256,
        "versions": {"training": trained.versions, "measurement": checkpoint.versions()},
    }
    with atomic_path(f"{stem}.npz") as temporary:
        np.savez_compressed(temporary, **found.arrays)  # type: ignore[arg-type]
    write_text(Path(f"{stem}.json"), json.dumps(report, indent=2, allow_nan=False) + "\n")
    return found


def choose(part: Part, spec: InstrumentSpec, what: str) -> tuple[Part, np.ndarray]:
    """The images that a spec asks for, and which they are.

    Raises:
        DataError: there are not as many; the message begins with ``what``.
    """
    if spec.indices is None:
        wanted = len(part) if spec.images is None else spec.images
        if wanted > len(part):
            raise DataError(f"{what} has {len(part)} images, and {spec.kind} is to look at {wanted} (images)")
        chosen = np.sort(np.random.default_rng(CHOICE_SEED).permutation(len(part))[:wanted])
    else:
        chosen = np.array(spec.indices)
        if chosen.max() >= len(part):
            raise DataError(f"{what} has {len(part)} images, and {spec.kind} is to look at {chosen.max()} (images)")
    where = torch.from_numpy(chosen).to(part.labels.device)
    return Part(part.images[where], part.labels[where]), chosen


def _plain(number: Number) -> dict[str, Any]:
    """For JSON, which has no NaN."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in specs.plain(number).items()
    }
