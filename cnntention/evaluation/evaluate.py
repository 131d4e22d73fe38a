"""From a checkpoint to numbers: ``eval.json`` and ``predictions.npz``."""

import contextlib
import json
import os
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from cnntention.attention.residual import PlainResidual, WeightedResidual
from cnntention.base import specs
from cnntention.base.device import Machine, memory_format, select
from cnntention.base.files import atomic_path, write_text
from cnntention.base.memory import enough_memory
from cnntention.data import dataset as datasets
from cnntention.data.batches import Normalizer
from cnntention.data.split import judging_part
from cnntention.network import complexity, predict
from cnntention.network.resnet import ResNet
from cnntention.training import checkpoint


def run(
    model_path: str | os.PathLike,
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    eval_path: str | os.PathLike,
    predictions_path: str | os.PathLike,
    machine: Machine | None = None,
) -> dict:
    """Evaluate a checkpoint on the part that its split is judged by: validation images for tune, test for full.

    Args:
        model_path: the checkpoint.
        data_path: the prepared data that it was trained on.
        card_path: its card.
        eval_path: the JSON to write.
        predictions_path: the ``.npz`` to write: ``labels``, ``predictions`` int64 ``[N]``, ``probabilities`` float32
            ``[N, classes]``, in the order of the images.
        machine: what to compute on.

    Returns:
        What the JSON holds.

    Raises:
        CheckpointError: the checkpoint is unreadable, or was trained on other data.
        DataError, DeviceError: see there.
    """
    trained = checkpoint.load(model_path)
    with enough_memory(os.fspath(model_path), "run fewer at once"):
        target = select(machine or Machine())
        data = datasets.load(data_path, card_path, trained.spec.validation_images, target)
        trained.require_data(data.sha256, model_path)
        subset = judging_part(trained.spec.split)
        part = data.parts[subset]
        model = trained.model.to(target).to(memory_format=memory_format(target))
        normalize = Normalizer(trained.spec.normalization, data.in_channels, target)
        with attention_shares(model) as shares:
            scores = predict.logits(model, part, normalize)
        attention = attention_use(model, part, normalize)
    if attention:
        attention["shares"] = shares
    report = {
        "spec": specs.plain(trained.spec),
        "subset": subset,
        **metrics(scores.cpu().double(), part.labels.cpu(), trained.class_names),
        "parameters": complexity.parameters(model),
        "multiply_adds": complexity.multiply_adds(model, data.image_shape),
        "attention": attention,
        "training": trained.training,
        "data_sha256": trained.data_sha256,
        "versions": {"training": trained.versions, "evaluation": checkpoint.versions()},
    }
    with atomic_path(predictions_path) as temporary:
        np.savez_compressed(
            temporary,
            labels=part.labels.cpu().numpy(),
            predictions=scores.argmax(1).cpu().numpy(),
            probabilities=scores.softmax(1).float().cpu().numpy(),
        )
    write_text(eval_path, json.dumps(report, indent=2) + "\n")
    return report


def metrics(scores: torch.Tensor, labels: torch.Tensor, class_names: list[str]) -> dict:
    """Numbers from logits ``[N, classes]`` and labels ``[N]``: percentages, mean cross-entropy, counts.

    ``confusion[i][j]`` counts images of class i that were taken for class j; the accuracy of a class without images
    is None.
    """
    loss, error = predict.loss_and_error(scores, labels)
    classes = len(class_names)
    confusion = torch.bincount(labels * classes + scores.argmax(1), minlength=classes**2).reshape(classes, classes)
    totals, right = confusion.sum(1).tolist(), confusion.diagonal().tolist()
    return {
        "n": len(labels),
        "accuracy": 100 - error,
        "error": error,
        "loss": loss,
        "accuracy_per_class": {
            name: 100 * hits / total if total else None
            for name, hits, total in zip(class_names, right, totals, strict=True)
        },
        "confusion": confusion.tolist(),
    }


@contextlib.contextmanager
def attention_shares(model: ResNet) -> Iterator[list[float | None]]:
    """What of the feature map comes from attention, while the model answers: a share for each of its blocks.

    Yields a list that is filled at the end: the mean of ``|y - x|`` by that of ``|x|`` over images, channels and
    positions, with x the feature map before a block and y after it, so that ``y - x`` is what attention adds (paper,
    eqs. 2 and 3). None without attention, and for a block without a residual connection, which adds to nothing.
    """
    sums = torch.zeros(len(model.attention), 2, dtype=torch.float64)
    batch = torch.zeros_like(sums)

    def count(*_: object) -> None:  # once the model has answered: a batch may run out of memory midway, and come again
        sums.add_(batch)

    handles = [model.register_forward_hook(count)]
    for stage, block in enumerate(model.attention):

        def add(block: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor, stage: int = stage) -> None:
            (before,) = inputs
            batch[stage] = torch.stack([(output - before).abs().sum(), before.abs().sum()]).cpu()

        if isinstance(block, PlainResidual | WeightedResidual):
            handles.append(block.register_forward_hook(add))
    shares: list[float | None] = []
    try:
        yield shares
    finally:
        for handle in handles:
            handle.remove()
    shares += [added / there if there else None for added, there in sums.tolist()]


def attention_use(model: ResNet, part: datasets.Part, normalize: Normalizer) -> dict | None:
    """How much a model uses its attention: the gates w (eq. 3), and the accuracy in percent with attention bypassed.

    A published MHA model ended with gates of 7.6e-5, -5e-11 and -2e-12: its attention was off, which its accuracy
    alone does not show. Returns None for a model without attention.
    """
    if all(isinstance(block, nn.Identity) for block in model.attention):
        return None
    gates = [block.gate.item() if isinstance(block, WeightedResidual) else None for block in model.attention]
    attention, model.attention = model.attention, nn.ModuleList(nn.Identity() for _ in model.attention)
    try:
        _, error = predict.loss_and_error(predict.logits(model, part, normalize), part.labels)
    finally:
        model.attention = attention
    return {"gates": gates, "accuracy_bypassed": 100 - error}
