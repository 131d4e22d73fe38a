"""What CBAM weighs: channels by class, positions by image, and how much of either depends on the image.

A weight that is the same for every image is a constant, which the next convolution could have learned by itself.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "CBAM multiplies each channel and then each position by a weight between 0 and 1. Channel, position weight: the "
    "mean over images and channels or positions. Between channels, between positions: standard deviation of their "
    "means over images. Between images: standard deviation of one channel's or position's weight from image to image, "
    "root mean square; where it is 0, attention is a constant, whatever it is given."
)
NEEDS = "gates"
OPTIONS: dict[str, dict] = {
    "shown": {
        "type": "integer",
        "minimum": 1,
        "maximum": 8,
        "default": 2,
        "description": "of the images, whose weights of positions the picture shows",
    },
}


def measure(subject: Subject, shown: int) -> Measurement:
    """A row for each stage.

    Arrays: of each stage ``channels_STAGE`` float32 ``[classes, C]``, mean weights, NaN for a class without images,
    and ``positions_STAGE`` float32 ``[shown, h, w]``; ``images`` uint8 ``[shown, H, W, C]``. With several blocks in a
    stage, the last one's.
    """
    channels: dict[int, list[Tensor]] = {}
    positions: dict[int, list[Tensor]] = {}
    blocks = dict(subject.blocks("gates"))

    def see(stage: int, block: Any, x: Tensor) -> None:
        of_channels, of_positions = block.gates(x)
        channels.setdefault(stage, []).append(of_channels.cpu())
        positions.setdefault(stage, []).append(of_positions.cpu())

    subject.look(list(blocks.items()), see, size=128)
    numbers, arrays = [], {"images": subject.part.images[:shown].cpu().numpy()}
    for stage in blocks:
        of_channels, of_positions = torch.cat(channels[stage]), torch.cat(positions[stage])
        numbers += [*_numbers("channel", of_channels, stage), *_numbers("position", of_positions.flatten(1), stage)]
        arrays[f"channels_{stage}"] = _by_class(of_channels, subject)
        arrays[f"positions_{stage}"] = of_positions[:shown].numpy()
    return Measurement(numbers, arrays)


def _numbers(what: str, weights: Tensor, stage: int) -> list[Number]:
    """Of weights ``[images, channels or positions]``."""
    of: dict[str, str | int] = {"stage": stage}
    weights = weights.double()
    between_images = weights.var(0, correction=0).mean().sqrt().item()
    return [
        Number.over_images(f"{what} weight", "", weights.mean(1), of),
        Number(f"between {what}s", "", weights.mean(0).std(correction=0).item(), of),
        Number(f"{what}s between images", "", between_images, of),
    ]


def _by_class(weights: Tensor, subject: Subject) -> np.ndarray:
    """``[images, C] -> [classes, C]``."""
    labels = subject.part.labels.cpu()
    classes = len(subject.data.class_names)
    return torch.stack([weights[labels == label].mean(0) for label in range(classes)]).numpy()
