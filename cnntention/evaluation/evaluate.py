"""From a checkpoint to numbers: ``eval.json`` and ``predictions.npz``."""

import json
import os

import numpy as np

from cnntention.attention import kernel
from cnntention.base import specs
from cnntention.base.device import Machine, memory_format, select
from cnntention.base.files import atomic_path, write_text
from cnntention.base.layout import DataFiles, RunFiles
from cnntention.base.memory import enough_memory
from cnntention.data import dataset as datasets
from cnntention.data.batches import Normalizer
from cnntention.data.split import judging_part
from cnntention.evaluation.metrics import Subject, measure
from cnntention.network import predict
from cnntention.network.attention_use import shares as shares_of
from cnntention.training import checkpoint


def evaluate(
    files: RunFiles,
    data_files: DataFiles,
    machine: Machine | None = None,
) -> dict:
    """Evaluate a run's checkpoint on the part that its split is judged on: validation images for tune, test for full.

    Args:
        files: of the run. ``model`` is read; ``evaluation`` and ``predictions`` are written, these with ``labels``,
            ``predictions`` int64 ``[N]``, ``probabilities`` float32 ``[N, classes]``, in the order of the images.
        data_files: the prepared data that it was trained on.
        machine: what to compute on.

    Returns:
        What the JSON holds.

    Raises:
        CheckpointError: the checkpoint is unreadable, or was trained on other data.
        DataError: the prepared data are missing or damaged.
        DeviceError: the device is not there, or runs out of memory.
    """
    trained = checkpoint.load(files.model)
    with enough_memory(os.fspath(files.model), "run fewer at once"):
        machine = machine or Machine()
        target = select(machine)
        data = datasets.load(data_files.data, data_files.card, trained.spec.validation_images, target)
        trained.require_data(data.sha256, files.model)
        subset = judging_part(trained.spec.split)
        part = data.parts[subset]
        kernel.use(trained.spec.attention, target, machine.compile)
        model = trained.model.to(target).to(memory_format=memory_format(target))
        normalize = Normalizer(trained.spec.normalization, data.in_channels, target)
        with shares_of(model) as shares:
            scores = predict.logits(model, part, normalize).cpu()
        labels = part.labels.cpu()
        subject = Subject(
            model, part, normalize, scores.double(), labels, shares, trained.class_names, data.image_shape
        )
        numbers = measure(subject)
    report = {
        "spec": specs.plain(trained.spec),
        "subset": subset,
        **numbers,
        "training": trained.training,
        "data_sha256": trained.data_sha256,
        "versions": {"training": trained.versions, "evaluation": checkpoint.versions()},
    }
    with atomic_path(files.predictions) as temporary:
        np.savez_compressed(
            temporary,
            labels=labels.numpy(),
            predictions=scores.argmax(1).numpy(),
            probabilities=scores.softmax(1).numpy(),
        )
    write_text(files.evaluation, json.dumps(report, indent=2) + "\n")
    return report
