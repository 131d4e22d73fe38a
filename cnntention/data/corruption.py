"""Corrupted copies of images: eight kinds in five strengths, the same on every machine.

After the idea of Hendrycks & Dietterich 2019 ("Benchmarking neural network robustness to common corruptions"), with
kinds and strengths of our own, so that they suit grey images of any size: lengths are shares of an image's height.
"""

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

STRENGTHS = (1, 2, 3, 4, 5)
SEED = 0
"""Of noise, directions and places: the same for all networks and strengths."""
AT_ONCE = 1000
"""Images, as float32."""


@dataclasses.dataclass(frozen=True)
class Corruption:
    """A kind of corruption.

    Attributes:
        values: one for each strength.
        apply: float32 ``[B, C, H, W]`` in [0, 1] and a value to images of the same shape.
    """

    values: tuple[float, ...]
    apply: Callable[[Tensor, float], Tensor]


def corrupt(images: Tensor, name: str, strength: int) -> Tensor:
    """Corrupt images; computed on the CPU, since a GPU has other random numbers.

    Args:
        images: uint8 ``[N, H, W, C]``, of 1 or 3 channels, on any device.
        name: one of :data:`CORRUPTIONS`.
        strength: one of :data:`STRENGTHS`.

    Returns:
        The same, on their device.
    """
    corruption = CORRUPTIONS[name]
    value = corruption.values[STRENGTHS.index(strength)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        parts = [
            corruption.apply(part.permute(0, 3, 1, 2).float() / 255, value) for part in images.cpu().split(AT_ONCE)
        ]
    levels = (255 * torch.cat(parts).clamp(0, 1)).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().to(images.device)


def _noise(x: Tensor, sigma: float) -> Tensor:
    return functional.gaussian_noise(x, sigma=sigma)


def _blur(x: Tensor, sigma: float) -> Tensor:
    pixels = sigma * x.shape[2]
    reach = min(math.ceil(3 * pixels), min(x.shape[2:]) - 1)
    return functional.gaussian_blur(x, [2 * reach + 1] * 2, [pixels] * 2)


def _pixelation(x: Tensor, share: float) -> Tensor:
    height, width = x.shape[2:]
    few = [max(1, round(share * height)), max(1, round(share * width))]
    small = functional.resize(x, few, InterpolationMode.BILINEAR, antialias=True)
    return functional.resize(small, [height, width], InterpolationMode.NEAREST_EXACT)


def _shift(x: Tensor, share: float) -> Tensor:
    """To one of four sides, drawn for each image; zeros come in."""
    by = share * x.shape[2]
    ways = ([by, 0.0], [-by, 0.0], [0.0, by], [0.0, -by])
    moved = [functional.affine(x, 0.0, way, 1.0, [0.0, 0.0], InterpolationMode.BILINEAR) for way in ways]
    return _drawn(moved)


def _rotation(x: Tensor, degrees: float) -> Tensor:
    """To the left or right, drawn for each image; zeros come in."""
    return _drawn([functional.rotate(x, angle, InterpolationMode.BILINEAR) for angle in (degrees, -degrees)])


def _drawn(versions: list[Tensor]) -> Tensor:
    """Of each image one of its versions."""
    images = len(versions[0])
    return torch.stack(versions)[torch.randint(len(versions), (images,)), torch.arange(images)]


def _occlusion(x: Tensor, share: float) -> Tensor:
    """A black square, at a place that is drawn for each image; the stronger, the larger."""
    height, width = x.shape[2:]
    side = round(share * min(height, width))
    corners = (torch.rand(len(x), 2) * torch.tensor([height - side + 1, width - side + 1])).long()
    black = torch.zeros(1)
    hidden = [
        functional.erase(image, int(top), int(left), side, side, black)
        for image, (top, left) in zip(x, corners, strict=True)
    ]
    return torch.stack(hidden)


CORRUPTIONS = {
    "noise": Corruption((0.04, 0.08, 0.12, 0.16, 0.20), _noise),  # standard deviation, of white
    "blur": Corruption((0.025, 0.035, 0.045, 0.06, 0.08), _blur),  # standard deviation, of the height
    "contrast": Corruption((0.7, 0.5, 0.35, 0.25, 0.15), functional.adjust_contrast),  # share that is left
    "brightness": Corruption((1.2, 1.4, 1.7, 2.1, 2.6), functional.adjust_brightness),  # factor
    "pixelation": Corruption((0.8, 0.65, 0.5, 0.4, 0.3), _pixelation),  # pixels by those before, along a side
    "shift": Corruption((0.03, 0.06, 0.1, 0.14, 0.18), _shift),  # of the height
    "rotation": Corruption((5.0, 10.0, 15.0, 22.0, 30.0), _rotation),  # degrees
    "occlusion": Corruption((0.2, 0.3, 0.4, 0.5, 0.6), _occlusion),  # side of the square, of the image's
}
"""By name, with the value of each strength."""
