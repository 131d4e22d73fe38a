"""From a source to one prepared, checksummed file of arrays and a card that describes it."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from cnntention.base.errors import DataError
from cnntention.base.files import atomic_path, sha256
from cnntention.data.card import Card
from cnntention.data.pictures import Pictures, resize
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
        downloads: torchvision's root, for sources that come through it.
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
    size = (spec.image_size, spec.image_size) if spec.image_size else None
    arrays = _packed(source.load(downloads, mirrors), known, size, source.origin)
    _remark_on_pixels(arrays["x_train"], source.origin, log)
    names = known.class_names or _numbers(arrays["y_train"], source.origin)
    _check_labels(arrays, names, source.origin)
    with atomic_path(data_path) as temporary:
        np.savez(temporary, **cast(dict[str, Any], arrays))  # newer numpy has a keyword of its own besides the arrays
        card = Card.of(arrays, source.origin, names, sha256(temporary))
        card.write(card_path)
    return card


def _packed(
    loaded: Mapping[str, np.ndarray | Pictures], known: Known, size: tuple[int, int] | None, origin: str
) -> dict[str, np.ndarray]:
    """The arrays, all images of one size. They must be what was known beforehand, which the config was checked against.

    Args:
        loaded: by the source.
        known: of it.
        size: to resize the images to; None: as they are.
        origin: of the source.
    """
    arrays: dict[str, np.ndarray] = {}
    for part, count in known.images.items():
        x, y = loaded[f"x_{part}"], loaded[f"y_{part}"]
        if isinstance(x, Pictures):
            x = x.packed(size or known.image_shape[:2], resized=size is not None)
        elif x.shape != (count, *known.image_shape) or x.dtype != np.uint8:
            wanted = [count, *known.image_shape]
            raise DataError(f"{origin}: x_{part} is {x.dtype} {list(x.shape)} where uint8 {wanted} should be")
        elif size:
            x = np.stack([resize(image, size) for image in x])
        if len(y) != count:
            raise DataError(f"{origin}: {len(y)} labels for {count} images in {part}")
        arrays |= {f"x_{part}": x, f"y_{part}": np.asarray(y)}
    return arrays


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
