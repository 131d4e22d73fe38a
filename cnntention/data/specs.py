"""What the config says about images, as far as preparing and training depend on it."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """What prepared data depend on.

    Attributes:
        source: a registered name, see :mod:`cnntention.data.source`.
        image_size: height and width to resize to, in pixels; None: as they are.
        options: the source's own keys.
    """

    source: str
    image_size: int | None
    options: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Normalization:
    """Of pixels in [0, 1]: ``(x - mean) / std``, with one value for each channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Of training images (paper, section 3.1).

    Attributes:
        flip: mirror left to right with probability 0.5.
        crop_padding: zeros added on each side before a random crop of the image's size, in pixels; 0: no crop.
    """

    flip: bool
    crop_padding: int
