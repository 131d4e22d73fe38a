"""How much a network uses its attention: gates, shares of the feature maps, and the network without attention."""

import contextlib
from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from cnntention.attention.residual import PlainResidual, WeightedResidual
from cnntention.network.resnet import ResNet


def gates(model: ResNet) -> list[float | None]:
    """The gate w (paper, eq. 3) of each stage, the mean where it has several; None where it has none."""
    by_stage = [
        [connection.gate.item() for connection in connections if isinstance(connection, WeightedResidual)]
        for connections in model.connections()
    ]
    return [sum(of_stage) / len(of_stage) if of_stage else None for of_stage in by_stage]


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
