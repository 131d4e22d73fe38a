"""Prepared images as tensors on the device, in the parts that training and evaluation use."""

import dataclasses
import os

import torch
from torch import Tensor

from cnntention.base.errors import DataError
from cnntention.base.files import sha256
from cnntention.data import npz, split
from cnntention.data.card import Card


@dataclasses.dataclass(frozen=True)
class Part:
    """Images uint8 ``[N, H, W, C]`` and labels int64 ``[N]``, both on the device."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The parts of a dataset by name: ``train``, ``test`` and, with split ``tune``, ``validation``."""

    parts: dict[str, Part]
    class_names: list[str]
    image_shape: tuple[int, int, int]
    """Height, width, channels."""
    sha256: str

    @property
    def in_channels(self) -> int:
        return self.image_shape[2]


def load(
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    validation_images: int = 0,
    device: torch.device | str = "cpu",
) -> Dataset:
    """Load a prepared dataset and check it against its card.

    Args:
        data_path: the prepared ``.npz``.
        card_path: its card.
        validation_images: how many training images to hold out as the part ``validation``.
        device: where the tensors go.

    Raises:
        DataError: a file is missing, damaged or changed by hand, or too many images are held out.
    """
    card = Card.read(card_path)
    try:
        actual = sha256(data_path)
    except OSError as error:
        raise DataError(f"{data_path}: {error.strerror}; prepare the data again") from None
    if actual != card.sha256:
        raise DataError(f"{data_path}: its SHA-256 is not that in {card_path}; remove both and prepare again")
    arrays = npz.read(data_path)

    parts = {
        part: Part(torch.from_numpy(arrays[f"x_{part}"]).to(device), torch.from_numpy(arrays[f"y_{part}"]).to(device))
        for part in ("train", "test")
    }
    if validation_images:
        images = len(parts["train"])
        if validation_images >= images:
            raise DataError(
                f"validation_images: {validation_images} of {images} training images leave none to train on"
            )
        held_out, kept = (torch.from_numpy(indices).to(device) for indices in split.cut(images, validation_images))
        train = parts["train"]
        parts["validation"] = Part(train.images[held_out], train.labels[held_out])
        parts["train"] = Part(train.images[kept], train.labels[kept])
    return Dataset(parts, list(card.class_names), card.image_shape, card.sha256)
