"""What an instrument is given, and what it returns.

An instrument is a file in this folder with four names, see :mod:`cnntention.instruments.registry`: ``ABOUT``, ``NEEDS``
and ``OPTIONS``, which are literals, and a function ``measure(subject, **options)`` that returns a :class:`Measurement`.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.special import stdtrit  # a fraction of what scipy.stats takes to import
from torch import Tensor, nn

from cnntention.base.errors import CheckpointError
from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Dataset, Part
from cnntention.network import predict
from cnntention.network.resnet import ResNet
from cnntention.training.specs import NetworkSpec

NORMAL_95 = 1.959964
"""Half of a 95% interval of a share, in standard errors."""


@dataclasses.dataclass(frozen=True)
class Number:
    """One number of a measurement.

    Attributes:
        name: what it is, in words, lower case: a column of the table.
        unit: such as ``%``, ``points``, ``px``; empty: none.
        value: the number.
        of: what it is of, by key, such as ``{"stage": 1, "head": 2}``: with the model, a row of the table. All numbers
            of an instrument have the same keys.
        low: lower end of its 95% interval over images; None: it has none.
        high: upper end.
        spread: standard deviation over images; None: it has none.
    """

    name: str
    unit: str
    value: float
    of: dict[str, str | int] = dataclasses.field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    spread: float | None = None

    @classmethod
    def over_images(cls, name: str, unit: str, values: ArrayLike, of: dict[str, str | int] | None = None) -> "Number":
        """The mean of one value an image, ``[N]``, with its interval (Student's t) and spread; one has neither."""
        array = np.asarray(values, dtype=float)
        mean = float(array.mean())
        if len(array) < 2:
            return cls(name, unit, mean, of or {})
        spread = float(array.std(ddof=1))
        half = float(stdtrit(len(array) - 1, 0.975)) * spread / math.sqrt(len(array))
        return cls(name, unit, mean, of or {}, mean - half, mean + half, spread)

    @classmethod
    def share(cls, name: str, hits: ArrayLike, of: dict[str, str | int] | None = None) -> "Number":
        """The share of images, in percent, of bool ``[N]``, with its interval (Wilson 1927, "Probable inference")."""
        array = np.asarray(hits, dtype=bool)
        images, share = len(array), float(array.mean())
        factor = 1 + NORMAL_95**2 / images
        middle = (share + NORMAL_95**2 / (2 * images)) / factor
        half = NORMAL_95 * math.sqrt(share * (1 - share) / images + (NORMAL_95 / (2 * images)) ** 2) / factor
        low, high = max(0.0, middle - half), min(1.0, middle + half)  # rounding would leave the ends of what there is
        return cls(name, "%", 100 * share, of or {}, 100 * low, 100 * high)


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What an instrument found on one network.

    Attributes:
        numbers: in the order in which a table shows them.
        arrays: what a picture needs besides, by name.
    """

    numbers: list[Number]
    arrays: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is measured: a trained network, and images that it was not trained on.

    Attributes:
        model: in evaluation mode, on the device.
        part: the images that the stanza asks for, of those that judge the run, on the device.
        indices: int64 ``[N]``, which of them they are, ascending unless the config lists them.
        normalize: makes the network's input of them.
        spec: of the run.
        data: all images of the dataset, on the device; ``part`` is of ``data.parts["test"]``, or ``"validation"`` with
            split ``tune``.
    """

    model: ResNet
    part: Part
    indices: np.ndarray
    normalize: Normalizer
    spec: NetworkSpec
    data: Dataset

    def logits(self) -> Tensor:
        """``[N, classes]`` on the CPU in float64, as the model is now."""
        return predict.logits(self.model, self.part, self.normalize).cpu().double()

    def batches(self, size: int) -> Iterator[Tensor]:
        """The network's input, ``[size, C, H, W]`` or less."""
        for start in range(0, len(self.part), size):
            yield self.normalize(self.part.images[start : start + size])

    def blocks(self, method: str) -> list[tuple[int, nn.Module]]:
        """Stage, counted from 1, and module of each attention block that has a method.

        Raises:
            CheckpointError: there is none.
        """
        found = [
            (stage, module)
            for stage, connections in enumerate(self.model.connections(), start=1)
            for connection in connections
            for module in connection.modules()
            if callable(getattr(module, method, None))
        ]
        if not found:
            raise CheckpointError(f"{self.spec.run}: has no attention block with a method {method}()")
        return found

    @torch.inference_mode()
    def look(
        self, blocks: list[tuple[int, nn.Module]], see: Callable[[int, nn.Module, Tensor], None], size: int
    ) -> None:
        """Show all images to the network, and to ``see`` what comes into each block.

        Args:
            blocks: of :meth:`blocks`.
            see: is called with stage, block and its input ``[B, C, h, w]``, batch by batch in the order of the images.
            size: images a batch.
        """

        def hook(stage: int) -> Callable[[nn.Module, tuple[Tensor]], None]:
            return lambda block, inputs: see(stage, block, inputs[0])

        handles = [block.register_forward_pre_hook(hook(stage)) for stage, block in blocks]
        try:
            for images in self.batches(size):
                self.model(images)
        finally:
            for handle in handles:
                handle.remove()


class Instrument(Protocol):
    """The module of an instrument, as far as a step calls it."""

    def measure(self, subject: Subject, **options: object) -> Measurement:
        """All that the instrument says of a network."""
        ...
