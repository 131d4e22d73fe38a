"""Picture files as the network's images: one way to read and resize them, for training and for prediction."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps

from cnntention.base.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

ROTATED = (5, 6, 7, 8)
"""Values of the EXIF orientation by which height and width change places."""
ORIENTATION = 0x0112
"""The EXIF tag of the orientation."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What is known of a picture before its pixels are read.

    Attributes:
        size: height and width, in pixels, upright.
        grey: whether all of its colours are grey.
    """

    size: tuple[int, int]
    grey: bool


def header(path: str | os.PathLike) -> Header:
    """Of a picture file.

    Raises:
        DataError: it is missing, or no picture.
    """
    with _opened(path) as picture:
        width, height = picture.size
        rotated = picture.getexif().get(ORIENTATION) in ROTATED
        return Header((width, height) if rotated else (height, width), _is_grey(picture))


def read(path: str | os.PathLike, channels: int) -> np.ndarray:
    """A picture's pixels, uint8 ``[H, W, C]``.

    It is turned upright by its EXIF orientation. Transparent parts show white below. Of 16 bits the upper 8 count. A
    palette's colours are looked up. Colour becomes grey by its luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B), and grey
    becomes colour by three equal channels. Of an animation the first picture is taken.

    Args:
        path: of a PNG, JPEG or WebP file.
        channels: 1 or 3.

    Raises:
        DataError: it is missing, damaged, or no picture.
    """
    with _opened(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I"):
            pixels = (np.asarray(upright).clip(0, 0xFFFF) >> 8).astype(np.uint8)
            upright = Image.fromarray(pixels)
        elif upright.has_transparency_data:
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright)
        converted = upright.convert("L" if channels == 1 else "RGB")
        return np.asarray(converted).reshape(converted.height, converted.width, channels)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear, antialiased: uint8 ``[H, W, C] -> [height, width, C]``; the sides' ratio is not kept."""
    height, width = size
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Picture files, read one at a time: all of them, at the size of photographs, may not fit into memory.

    Attributes:
        paths: of the files.
        channels: 1 or 3.
    """

    paths: tuple[str, ...]
    channels: int

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (read(path, self.channels) for path in self.paths)

    def packed(self, size: tuple[int, int], resized: bool) -> np.ndarray:
        """uint8 ``[N, height, width, C]``.

        Args:
            size: height and width.
            resized: whether all are resized to it; otherwise they must have it.

        Raises:
            DataError: a file is damaged, or of another size and not to be resized.
        """
        images = []
        for path, image in zip(self.paths, self, strict=True):
            if not resized and image.shape[:2] != size:
                (height, width), found = size, f"{image.shape[0]}x{image.shape[1]}"
                raise DataError(
                    f"{path}: {found} pixels among pictures of {height}x{width}; set image_size to resize all"
                )
            images.append(resize(image, size) if resized else image)
        return np.stack(images)


def _is_grey(picture: Image.Image) -> bool:
    return picture.mode in ("1", "L", "LA") or picture.mode.startswith("I")


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[Image.Image]:
    """A picture; what goes wrong while it is read, of whatever kind, comes as one DataError."""
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
            yield picture
    except Exception as error:  # damaged bytes make the readers raise all kinds of errors
        too_large = str(error) if isinstance(error, Image.DecompressionBombError) else None
        reason = getattr(error, "strerror", None) or too_large or "not a whole PNG, JPEG or WebP picture"
        raise DataError(f"{path}: {reason}") from None
