"""One pass over the training images, which can be left after any step and taken up again."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CHECK_STEPS = 50
"""Steps between looks at the losses, each of which makes the process wait for the GPU's queue of work."""


class DivergenceError(Exception):
    """The loss became NaN or infinite: in a training step, counted from 1, or else where the model is judged."""

    def __init__(self, step: int | None, loss: float):
        super().__init__(step, loss)
        self.step = step
        self.loss = loss


@dataclasses.dataclass
class Epoch:
    """An epoch in progress.

    Attributes:
        order: int64 ``[N]``, the order of the images.
        batch_size: images per step; the last step takes what is left.
        lr: learning rate of the first step.
        losses: float32 ``[steps]``, the mean loss of each step.
        wrong: int64 ``[]``, how many images were predicted wrongly.
        step: how many steps are done.
        seconds: time that they took.
    """

    order: Tensor
    batch_size: int
    lr: float
    losses: Tensor
    wrong: Tensor
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def start(cls, images: int, batch_size: int, lr: float, generator: torch.Generator) -> "Epoch":
        """A new epoch in random order."""
        device = generator.device
        return cls(
            torch.randperm(images, generator=generator, device=device),
            batch_size,
            lr,
            torch.zeros(-(-images // batch_size), device=device),
            torch.zeros((), dtype=torch.long, device=device),
        )

    @property
    def steps(self) -> int:
        """Of the whole epoch."""
        return len(self.losses)

    def state(self) -> dict:
        """What :meth:`restore` needs."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def restore(cls, state: dict, device: torch.device) -> "Epoch":
        """The epoch that :meth:`state` was called on, on a device."""
        fields: dict[str, Any] = {
            name: value.to(device) if torch.is_tensor(value) else value for name, value in state.items()
        }
        return cls(**fields)

    def batch(self) -> Tensor:
        """Which images the next step takes: int64 ``[B]``."""
        return self.order[self.step * self.batch_size : (self.step + 1) * self.batch_size]

    def add(self, loss: Tensor, wrong: Tensor) -> None:
        """Note that a step is done, with the mean loss of its images and how many of them were wrongly predicted."""
        self.losses[self.step] = loss
        self.wrong += wrong
        self.step += 1

    def run(self, step: Callable[["Epoch"], None], check: Callable[[], None] = lambda: None) -> None:
        """Go on to the end.

        Args:
            step: takes the next batch, see :class:`cnntention.training.step.Step`.
            check: called after each step; an exception that it raises leaves the epoch as it is after that step.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        before, started = self.seconds, time.perf_counter()
        while self.step < self.steps:
            step(self)
            self.seconds = before + time.perf_counter() - started
            if self.step % CHECK_STEPS == 0 or self.step == self.steps:
                self._check_losses()
                self.seconds = before + time.perf_counter() - started
            check()

    def _check_losses(self) -> None:
        finite = self.losses[: self.step].isfinite()
        if not finite.all():
            first = int(finite.logical_not().nonzero()[0])
            raise DivergenceError(first + 1, self.losses[first].item())

    def loss_and_error(self) -> tuple[float, float]:
        """Mean loss over the images, and error in percent, while the weights changed."""
        losses = self.losses.cpu().double()  # on the CPU, since Apple's GPUs have no float64
        sizes = torch.full_like(losses, self.batch_size)
        sizes[-1] = len(self.order) - self.batch_size * (self.steps - 1)
        return (losses @ sizes).item() / len(self.order), self.wrong.item() * 100 / len(self.order)
