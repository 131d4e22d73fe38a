"""The card beside prepared data: what they are, in JSON for people to read, which shows if somebody has edited it."""

import dataclasses
import json
import os

import numpy as np

from cnntention.base import specs
from cnntention.base.errors import DataError
from cnntention.base.files import write_text


@dataclasses.dataclass(frozen=True)
class Card:
    """A prepared dataset.

    Attributes:
        source: where the images come from.
        image_shape: height, width, channels.
        class_names: in the order of the labels.
        images: how many there are in the parts ``train`` and ``test``.
        images_per_class: likewise, of each class.
        mean: of the training images in [0, 1], one value for each channel.
        std: standard deviations, likewise.
        sha256: of the prepared file, in hexadecimal.
    """

    source: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    images: dict[str, int]
    images_per_class: dict[str, tuple[int, ...]]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sha256: str

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], source: str, class_names: tuple[str, ...], sha256: str) -> "Card":
        """The card of four arrays, see :mod:`cnntention.data.npz`, that are in a file of that checksum."""
        pixels = arrays["x_train"].reshape(-1, arrays["x_train"].shape[-1])
        # In float64 sums of uint8 counts, since a float32 copy of all pixels would take four times the data's memory.
        histogram = np.stack([np.bincount(channel, minlength=256) for channel in pixels.T])
        levels = np.arange(256) / 255
        mean = histogram @ levels / len(pixels)
        variance = histogram @ levels**2 / len(pixels) - mean**2
        height, width, channels = arrays["x_train"].shape[1:]
        labels = {part: arrays[f"y_{part}"] for part in ("train", "test")}
        return cls(
            source=source,
            image_shape=(height, width, channels),
            class_names=class_names,
            images={part: len(labels[part]) for part in labels},
            images_per_class={
                part: tuple(np.bincount(labels[part], minlength=len(class_names)).tolist()) for part in labels
            },
            mean=tuple(mean.round(6).tolist()),
            std=tuple(np.sqrt(variance.clip(0)).round(6).tolist()),
            sha256=sha256,
        )

    def write(self, path: str | os.PathLike) -> None:
        """Write it with a digest of its content."""
        write_text(path, json.dumps(specs.plain(self) | {"digest": specs.digest(self)}, indent=2) + "\n")

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Card":
        """Read what :meth:`write` wrote.

        Raises:
            DataError: the file is missing, is not a card, or has been changed since.
        """
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            digest = content.pop("digest")
            card = specs.read(cls, content)
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; prepare the data again") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: not a data card ({error}); remove it and prepare the data again") from None
        if specs.digest(card) != digest:
            raise DataError(
                f"{path}: changed since it was written; remove it and prepare the data again "
                f"(classes are named in the config, by class_names)"
            )
        return card
