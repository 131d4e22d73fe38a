"""From a source to one prepared, checksummed file of arrays and a card that describes it."""

import json
import os
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from PIL import Image

from cnntention.base.errors import DataError
from cnntention.base.files import atomic_path, sha256, write_text
from cnntention.data import npz
from cnntention.data.facts import CLASS_NAMES


def prepare(
    spec: dict,
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    downloads: str | os.PathLike,
    mirrors: Sequence[str] = (),
) -> dict:
    """Fetch, check and resize a dataset; write it with its card, or write nothing.

    Args:
        spec: ``source``, ``image_size``, and for ``npz`` ``path``, ``sha256``, ``class_names``.
        data_path: the prepared ``.npz``, as :mod:`cnntention.data.npz` describes it.
        card_path: the JSON card: source, class names, images, counts per class, mean and std per channel of the
            training images in [0, 1], SHA-256 of the prepared file.
        downloads: torchvision's root for ``cifar10`` and ``mnist``.
        mirrors: addresses to try before torchvision's own.

    Returns:
        The card.

    Raises:
        DataError: the source is missing, damaged or not what it should be.
    """
    arrays, origin = _fetch(spec, downloads, mirrors)
    names = _class_names(spec, arrays)
    _check_labels(arrays, names, origin)
    if spec.get("image_size"):
        for part in ("train", "test"):
            arrays[f"x_{part}"] = _resize(arrays[f"x_{part}"], spec["image_size"])
    with atomic_path(data_path) as temporary:
        np.savez(temporary, **cast(dict[str, Any], arrays))  # newer numpy has a keyword of its own beside the arrays
        card = _card(arrays, origin, names) | {"sha256": sha256(temporary)}
        write_text(card_path, json.dumps(card, indent=2) + "\n")
    return card


def _fetch(spec: dict, downloads: str | os.PathLike, mirrors: Sequence[str]) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of the source, and in words where they come from."""
    match spec["source"]:
        case "digits":
            from cnntention.data import digits

            return digits.load(), "scikit-learn's digits (UCI, 8x8)"
        case "npz":
            npz.shapes(spec["path"])
            expected = spec.get("sha256")
            if expected and sha256(spec["path"]) != expected:
                raise DataError(f"{spec['path']}: its SHA-256 is {sha256(spec['path'])}, the config expects {expected}")
            return npz.read(spec["path"]), spec["path"]
        case source:
            from cnntention.data import download

            return download.fetch(source, downloads, mirrors), f"{source} by torchvision"


def _class_names(spec: dict, arrays: dict[str, np.ndarray]) -> list[str]:
    if spec["source"] in CLASS_NAMES:
        return list(CLASS_NAMES[spec["source"]])
    if spec.get("class_names"):
        return spec["class_names"]
    found = np.unique(arrays["y_train"])
    if found.tolist() != list(range(len(found))):
        raise DataError(
            f"{spec['path']}: y_train holds labels from {found.min()} to {found.max()}, {len(found)} of them; "
            f"number the classes from 0 without gaps, or name all of them in class_names"
        )
    return [str(label) for label in found]


def _check_labels(arrays: dict[str, np.ndarray], names: list[str], origin: str) -> None:
    """Labels must be 0 to K - 1 for K classes, K at least 2."""
    for part in ("train", "test"):
        labels, images = arrays[f"y_{part}"], arrays[f"x_{part}"]
        if len(labels) != len(images):
            raise DataError(f"{origin}: {len(labels)} labels for {len(images)} images in {part}")
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


def _card(arrays: dict[str, np.ndarray], origin: str, names: list[str]) -> dict:
    x_train = arrays["x_train"]
    pixels = x_train.reshape(-1, x_train.shape[-1])
    # In float64 sums of uint8 counts, since a float32 copy of all pixels would take four times the data's memory.
    histogram = np.stack([np.bincount(channel, minlength=256) for channel in pixels.T])
    levels = np.arange(256) / 255
    mean = histogram @ levels / len(pixels)
    variance = histogram @ levels**2 / len(pixels) - mean**2
    return {
        "source": origin,
        "image_shape": list(x_train.shape[1:]),
        "class_names": names,
        "images": {part: len(arrays[f"y_{part}"]) for part in ("train", "test")},
        "images_per_class": {
            part: np.bincount(arrays[f"y_{part}"], minlength=len(names)).tolist() for part in ("train", "test")
        },
        "mean": mean.round(6).tolist(),
        "std": np.sqrt(variance.clip(0)).round(6).tolist(),
    }
