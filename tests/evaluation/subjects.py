"""Untrained models and what is known of their answers without the code that is tested."""

import torch
from torch import Tensor, nn

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part
from cnntention.evaluation.metrics import Subject
from cnntention.network import attention_use, predict
from cnntention.training import checkpoint
from cnntention.training.specs import RunSpec

NAMES = ["0", "1", "2"]


def untrained(spec: RunSpec, *gates: float) -> nn.Module:
    """The model of a run on grey images of three classes, its gates opened."""
    torch.manual_seed(spec.seed)
    model = checkpoint.build(spec, 1, len(NAMES)).eval()
    for block, gate in zip(model.attention, gates, strict=bool(gates)):
        nn.init.constant_(block.gate, gate)
    return model


def network_input(part: Part) -> Tensor:
    """With the normalisation of the specs of these tests."""
    return (part.images.permute(0, 3, 1, 2) / 255 - 0.3) / 0.25


def logits(model: nn.Module, part: Part) -> Tensor:
    """Image by image."""
    with torch.no_grad():
        return torch.cat([model(image[None]) for image in network_input(part)])


def accuracy(model: nn.Module, part: Part) -> float:
    answers = logits(model, part).argmax(1).tolist()
    return 100 * sum(a == label for a, label in zip(answers, part.labels.tolist(), strict=True)) / len(part)


def shares(model: nn.Module, part: Part) -> list[float]:
    """What the gates let through by what is there, over all images at once, of a model with residual connections."""
    found = []

    def add(block: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        gate = getattr(block, "gate", torch.ones(()))
        found.append((gate.abs() * block.block(inputs[0]).abs().mean() / inputs[0].abs().mean()).item())

    handles = [block.register_forward_hook(add) for block in model.attention]
    with torch.no_grad():
        model(network_input(part))
    for handle in handles:
        handle.remove()
    return found


def subject(model: nn.Module, part: Part, normalize: Normalizer) -> Subject:
    """Made as an evaluation makes it."""
    with attention_use.shares(model) as added:
        scores = predict.logits(model, part, normalize)
    shape = tuple(part.images.shape[1:])
    return Subject(model, part, normalize, scores.double(), part.labels, added, NAMES, shape)
