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

    All of it under the key ``attention``, which holds None for a model without attention.
    """
    model = subject.model
    if all(isinstance(block, nn.Identity) for block in model.attention):
        return {"attention": None}
    gates = [block.gate.item() if isinstance(block, WeightedResidual) else None for block in model.attention]
    with bypassed(model, range(len(model.attention))):
        scores = predict.logits(model, subject.part, subject.normalize)
    _, error = predict.loss_and_error(scores.cpu(), subject.labels)
    return {"attention": {"gates": gates, "accuracy_bypassed": 100 - error, "shares": subject.shares}}


@contextlib.contextmanager
def bypassed(model: ResNet, stages: Collection[int]) -> Iterator[None]:
    """Within this, feature maps pass by the attention blocks of these stages, counted from 0."""
    attention = model.attention
    model.attention = nn.ModuleList(
        nn.Identity() if stage in stages else block for stage, block in enumerate(attention)
    )
    try:
        yield
    finally:
        model.attention = attention


@contextlib.contextmanager
def shares(model: ResNet) -> Iterator[list[float | None]]:
    """What attention adds to the feature map while the model predicts: a share for each of its blocks.

    Yields a list that is filled at the end: the mean of ``|y - x|`` divided by that of ``|x|``, over images,
    channels and positions, with x the feature map before a block and y after it, so that ``y - x`` is what attention
    adds (paper, eqs. 2 and 3). None without attention, and for a block without a residual connection, which adds to
    nothing.
    """
    sums = torch.zeros(len(model.attention), 2, dtype=torch.float64)
    batch = torch.zeros_like(sums)

    def count(*_: object) -> None:  # once the model has answered: a batch may run out of memory midway, and come again
        sums.add_(batch)

    handles = [model.register_forward_hook(count)]
    for stage, block in enumerate(model.attention):

        def add(block: nn.Module, inputs: tuple[Tensor], output: Tensor, stage: int = stage) -> None:
            (before,) = inputs
            batch[stage] = torch.stack([(output - before).abs().sum(), before.abs().sum()]).cpu()

        if isinstance(block, PlainResidual | WeightedResidual):
            handles.append(block.register_forward_hook(add))
    found: list[float | None] = []
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
    found += [added / there if there else None for added, there in sums.tolist()]
