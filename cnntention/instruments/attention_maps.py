"""Where chosen positions look: the attention weights of a few images, for pictures."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cnntention.base.errors import CheckpointError
from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "Where a position looks: the weights that attention gives to all positions of the feature map, seen from chosen "
    "ones. Largest weight: on one position, in percent (100% divided by the number of positions if all count alike); "
    "distance to it: from the position that looks, in pixels of the input, a mean over all that weigh as much to a "
    "thousandth. Means over images and chosen positions."
)
NEEDS = "weights"
OPTIONS: dict[str, dict] = {
    "stage": {
        "type": "integer",
        "minimum": 1,
        "maximum": 3,
        "default": 1,
        "description": "whose attention is looked at; the first has the most positions",
    },
    "positions": {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "default": [[0.5, 0.5], [0.1, 0.1]],
        "description": "that look, each [down, right] in parts of the image: [0, 0] is its upper left corner",
    },
}


def measure(subject: Subject, stage: int, positions: list[list[float]]) -> Measurement:
    """A row for each head; the arrays are the weights, and the images that they are of. With several blocks in a stage,
    the last one's.

    Arrays: ``weights`` float16 ``[images, positions, heads, h, w]``, ``places`` int64 ``[positions, 2]``, row and
    column in the feature map, ``images`` uint8 ``[images, H, W, C]``, ``indices`` int64 ``[images]``.
    """
    height, width, _ = subject.data.image_shape
    blocks = [(number, block) for number, block in subject.blocks("weights") if number == stage]
    if not blocks:
        raise CheckpointError(f"{subject.spec.run}: no attention in stage {stage}; choose another stage")
    seen: list[Tensor] = []
    places: list[list[int]] = []

    def see(_: int, block: Any, x: Tensor) -> None:
        rows, columns = x.shape[2:]
        places[:] = [[_nearest(down, rows), _nearest(right, columns)] for down, right in positions]
        looking = [row * columns + column for row, column in places]
        for image in x.split(1):
            seen.append(block.weights(image)[:, :, looking].unflatten(3, (rows, columns)).transpose(1, 2).cpu())

    subject.look(blocks[-1:], see, size=32)
    weights = torch.cat(seen)
    arrays = {
        "weights": weights.numpy().astype(np.float16),
        "places": np.array(places),
        "images": subject.part.images.cpu().numpy(),
        "indices": subject.indices,
    }
    scale = torch.tensor([height / weights.shape[3], width / weights.shape[4]])
    return Measurement(_numbers(weights, torch.tensor(places), scale), arrays)


def _nearest(part: float, count: int) -> int:
    return min(int(part * count), count - 1)


def _numbers(weights: Tensor, places: Tensor, scale: Tensor) -> list[Number]:
    """Of weights ``[images, positions, heads, h, w]`` seen from places ``[positions, 2]``; scale: pixels a position."""
    all_places = torch.cartesian_prod(*(torch.arange(size) for size in weights.shape[3:]))
    apart = ((all_places - places[:, None]) * scale).norm(dim=-1)[:, None]
    flat = weights.flatten(3)
    largest = flat.amax(3)
    # Of equal weights a single largest one would be the first in memory, the upper left corner.
    ties = flat >= 0.999 * largest[..., None]
    distance = (apart * ties).sum(3) / ties.sum(3)
    numbers = []
    for head in range(weights.shape[2]):
        of: dict[str, str | int] = {"head": head + 1}
        numbers.append(Number.over_images("largest weight", "%", 100 * largest[:, :, head].mean(1), of))
        numbers.append(Number.over_images("distance to it", "px", distance[:, :, head].mean(1), of))
    return numbers
