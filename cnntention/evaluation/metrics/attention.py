"""How much a model uses its attention.

A published MHA model ended with gates of 7.6e-5, -5e-11 and -2e-12: its attention was off, which its accuracy alone
does not show.
"""

import contextlib
from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from cnntention.attention.residual import PlainResidual, WeightedResidual
from cnntention.evaluation.metrics.subject import Subject
from cnntention.network import predict
from cnntention.network.resnet import ResNet


def use(subject: Subject) -> dict:
    """The gates w (eq. 3), the accuracy in percent with attention bypassed, and the :func:`shares`.

    A gate for each stage: with attention in each residual block, the mean of theirs; None where there is none. All of
    it under the key ``attention``, which holds None for a model without attention.
    """
    connections = subject.model.connections()
    if not any(connections):
        return {"attention": None}
    gates = [[each.gate.item() for each in stage if isinstance(each, WeightedResidual)] for stage in connections]
    with bypassed(subject.model, range(len(connections))):
        scores = predict.logits(subject.model, subject.part, subject.normalize)
    _, error = predict.loss_and_error(scores.cpu(), subject.labels)
    by_stage = [sum(stage) / len(stage) if stage else None for stage in gates]
    return {"attention": {"gates": by_stage, "accuracy_bypassed": 100 - error, "shares": subject.shares}}


@contextlib.contextmanager
def bypassed(model: ResNet, stages: Collection[int]) -> Iterator[None]:
    """Within this, feature maps pass by the attention blocks of these stages, counted from 0."""
    connections = [each for stage, of_stage in enumerate(model.connections()) if stage in stages for each in of_stage]
    for connection in connections:
        connection.forward = lambda x: x
    try:
        yield
    finally:
        for connection in connections:
            del connection.forward


@contextlib.contextmanager
def shares(model: ResNet) -> Iterator[list[float | None]]:
    """What attention adds to the feature map while the model predicts: a share for each stage.

    Yields a list that is filled at the end: the mean of ``|y - x|`` divided by that of ``|x|``, over images,
    channels and positions (and a stage's residual blocks, where attention is in these), with x the feature map before
    attention and y after it, so that ``y - x`` is what attention adds (paper, eqs. 2 and 3). None for a stage without
    attention, and without a residual connection, which adds to nothing.
    """
    sums = torch.zeros(len(model.stages), 2, dtype=torch.float64)
    batch = torch.zeros_like(sums)

    def begin(*_: object) -> None:
        batch.zero_()

    def count(*_: object) -> None:  # once the model has answered: a batch may run out of memory midway, and come again
        sums.add_(batch)

    handles = [model.register_forward_pre_hook(begin), model.register_forward_hook(count)]
    for stage, connections in enumerate(model.connections()):

        def add(block: nn.Module, inputs: tuple[Tensor], output: Tensor, stage: int = stage) -> None:
            (before,) = inputs
            batch[stage] += torch.stack([(output - before).abs().sum(), before.abs().sum()]).cpu()

        handles += [
            connection.register_forward_hook(add)
            for connection in connections
            if isinstance(connection, PlainResidual | WeightedResidual)
        ]
    found: list[float | None] = []
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
    found += [added / there if there else None for added, there in sums.tolist()]
