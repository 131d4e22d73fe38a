"""From a source to one prepared, checksummed file of arrays and a card that describes it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from PIL import Image

from cnntention.base.errors import DataError
from cnntention.base.files import atomic_path, sha256
from cnntention.data.card import Card
from cnntention.data.source import Known, create
from cnntention.data.specs import DataSpec

LEAST_CONTRAST = 32
"""Grey levels between the darkest and the brightest pixel of all training images."""


def prepare(
    spec: DataSpec,
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    downloads: str | os.PathLike,
    mirrors: Sequence[str] = (),
    log: Callable[[str], None] = print,
) -> Card:
    """Fetch, check and resize a dataset; write it with its card, or write nothing.

    Args:
        spec: of the dataset.
        data_path: the prepared ``.npz``, as :mod:`cnntention.data.npz` describes it.
        card_path: its card.
        downloads: torchvision's root for ``cifar10`` and ``mnist``.
        mirrors: addresses to try before the official ones.
        log: is called with each line of text.

    Returns:
        The card.

    Raises:
        DataError: the source is missing, damaged or not what it should be.
    """
    source = create(spec.source, spec.options)
    known = source.known()
    for remark in known.remarks:
        log(f"note: {remark}")
    arrays = source.load(downloads, mirrors)
    _check_shapes(arrays, known, source.origin)
    _remark_on_pixels(arrays["x_train"], source.origin, log)
    names = known.class_names or _numbers(arrays["y_train"], source.origin)
    _check_labels(arrays, names, source.origin)
    if spec.image_size:
        for part in ("train", "test"):
            arrays[f"x_{part}"] = _resize(arrays[f"x_{part}"], spec.image_size)
    with atomic_path(data_path) as temporary:
        np.savez(temporary, **cast(dict[str, Any], arrays))  # newer numpy has a keyword of its own besides the arrays
        card = Card.of(arrays, source.origin, names, sha256(temporary))
        card.write(card_path)
    return card


def _check_shapes(arrays: dict[str, np.ndarray], known: Known, origin: str) -> None:
    """The images must be what was known beforehand, which the config was checked against."""
    for part, images in known.images.items():
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.shape != (images, *known.image_shape) or x.dtype != np.uint8:
            wanted = [images, *known.image_shape]
            raise DataError(f"{origin}: x_{part} is {x.dtype} {list(x.shape)} where uint8 {wanted} should be")
        if y.shape != (images,):
            raise DataError(f"{origin}: {len(y)} labels for {images} images in {part}")


def _remark_on_pixels(images: np.ndarray, origin: str, log: Callable[[str], None]) -> None:
    """Images on another scale, such as [0, 1] cut to whole numbers, look black."""
    low, high = images.min(), images.max()
    if high - low < LEAST_CONTRAST:
        log(f"note: {origin}: pixels of x_train go from {low} to {high} only, of 0 to 255; are they on another scale?")


def _numbers(labels: np.ndarray, origin: str) -> tuple[str, ...]:
    """Class names where there are none: the labels themselves."""
    found = np.unique(labels)
    if found.tolist() != list(range(len(found))):
        raise DataError(
            f"{origin}: y_train holds labels from {found.min()} to {found.max()}, {len(found)} of them; "
            f"number the classes from 0 without gaps, or name all of them in class_names"
        )
    return tuple(str(label) for label in found)


def _check_labels(arrays: dict[str, np.ndarray], names: tuple[str, ...], origin: str) -> None:
    """Labels must be 0 to K - 1 for K classes, K at least 2."""
    for part in ("train", "test"):
        labels = arrays[f"y_{part}"]
        if labels.min() < 0 or labels.max() >= len(names):
            raise DataError(
                f"{origin}: y_{part} holds labels from {labels.min()} to {labels.max()}; "
                f"with {len(names)} classes they must be 0 to {len(names) - 1}"
            )
    if len(names) < 2:
        raise DataError(f"{origin}: one class only; there is nothing to tell apart")


def _resize(images: np.ndarray, size: int) -> np.ndarray:
    """Bilinear, antialiased: uint8 ``[N, H, W, C] -> [N, size, size, C]``."""
    gray = images.shape[-1] == 1
    pictures = (Image.fromarray(image[..., 0] if gray else image) for image in images)
    resized = [np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)) for picture in pictures]
    return np.stack(resized).reshape(len(images), size, size, -1)
