"""What is lost when parts of attention are left out of a trained network, which is not trained anew."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from cnntention.instruments.contract import Measurement, Number, Subject
from cnntention.network.attention_use import bypassed

ABOUT = (
    "Accuracy of the same weights with parts of attention left out, not trained anew. A stage without attention passes "
    "its feature map on as it is; a head that is left out gives zeros to what its block makes of all heads. Change: "
    "percentage points to the network as it was trained, on the same images."
)
NEEDS = "attention"
OPTIONS = {
    "heads": {
        "type": "boolean",
        "default": True,
        "description": "whether to leave out each head as well, of blocks with several",
    },
}
WHOLE = "nothing"


def measure(subject: Subject, heads: bool) -> Measurement:
    """A row for the whole network, and one for each thing that is left out."""
    model = subject.model
    stages = {stage for stage, connections in enumerate(model.connections()) if connections}
    whole = _right(subject)
    numbers = _numbers(whole, whole, WHOLE)
    for left_out in [stages] if len(stages) == 1 else [stages, *({stage} for stage in sorted(stages))]:
        with bypassed(model, left_out):
            numbers += _numbers(_right(subject), whole, "all" if left_out == stages else _stage(*left_out))
    for kept in sorted(stages) if len(stages) > 2 else ():
        with bypassed(model, stages - {kept}):
            numbers += _numbers(_right(subject), whole, f"all but {_stage(kept)}")
    if heads:
        for place, block, count in _with_heads(model):
            for head in range(count):
                with _without_head(block, head):
                    numbers += _numbers(_right(subject), whole, f"{place}, head {head + 1}")
    return Measurement(numbers)


def _stage(stage: int) -> str:
    return f"stage {stage + 1}"


def _right(subject: Subject) -> Tensor:
    """bool ``[N]``, whether the model as it is now is right."""
    return subject.logits().argmax(1) == subject.part.labels.cpu()


def _numbers(right: Tensor, whole: Tensor, left_out: str) -> list[Number]:
    of: dict[str, str | int] = {"left out": left_out}
    found = [Number.share("accuracy", right, of)]
    if left_out != WHOLE:
        found.append(Number.over_images("change", "points", 100 * (right.double() - whole.double()), of))
    return found


def _with_heads(model: Any) -> Iterator[tuple[str, Any, int]]:
    """Where it is, block and number of heads of each block with several heads and a module ``value``."""
    for stage, connections in enumerate(model.connections()):
        modules = (module for connection in connections for module in connection.modules())
        blocks = [module for module in modules if _has_heads(module)]
        for number, block in enumerate(blocks, start=1):
            yield _stage(stage) + (f", block {number}" if len(blocks) > 1 else ""), block, block.heads


def _has_heads(module: Any) -> bool:
    count = getattr(module, "heads", 1)
    return isinstance(count, int) and count > 1 and isinstance(getattr(module, "value", None), nn.Module)


@contextlib.contextmanager
def _without_head(block: Any, head: int) -> Iterator[None]:
    """Within this, one head's values are zero, and with them what it adds to the concatenated heads."""

    def silence(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        parts = list(output.chunk(block.heads, dim=1))
        parts[head] = torch.zeros_like(parts[head])
        return torch.cat(parts, dim=1)

    handle = block.value.register_forward_hook(silence)
    try:
        yield
    finally:
        handle.remove()
