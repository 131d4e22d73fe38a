"""One pass over the training images, which can be left after any step and taken up again."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cnntention.data.batches import Augmenter, Normalizer
from cnntention.data.dataset import Part
from cnntention.training.precision import Precision

CHECK_STEPS = 50
"""How often the losses are looked at, which makes a GPU wait for its queue of work."""


class DivergenceError(Exception):
    """The loss became NaN or infinite, at a step that counts from 1."""

    def __init__(self, step: int, loss: float):
        super().__init__(step, loss)
        self.step = step
        self.loss = loss


@dataclasses.dataclass
class Epoch:
    """An epoch as far as it has come.

    Attributes:
        order: int64 ``[N]``, the order of the images.
        batch_size: images a step; the last step takes what is left.
        losses: float32 ``[steps]``, the mean loss of each step.
        wrong: int64 ``[]``, images of wrong prediction.
        step: how many steps are done.
        seconds: time that they took.
    """

    order: Tensor
    batch_size: int
    losses: Tensor
    wrong: Tensor
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def start(cls, images: int, batch_size: int, generator: torch.Generator) -> "Epoch":
        """A new epoch in random order."""
        device = generator.device
        return cls(
            torch.randperm(images, generator=generator, device=device),
            batch_size,
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
        """The epoch that a state was taken of."""
        fields: dict[str, Any] = {
            name: value.to(device) if torch.is_tensor(value) else value for name, value in state.items()
        }
        return cls(**fields)

    def run(
        self,
        forward: Callable[[Tensor], Tensor],
        part: Part,
        normalize: Normalizer,
        augment: Augmenter,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Go on to the end.

        Args:
            forward: the model, in training mode.
            part: the training images.
            normalize: of the images.
            augment: likewise.
            optimizer: of the model's parameters.
            precision: of the forward pass.
            check: called after each step; an exception of it leaves the epoch as it is after that step.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        device = self.order.device
        before, started = self.seconds, time.perf_counter()
        for index in self.order.split(self.batch_size)[self.step :]:
            labels = part.labels[index]
            images = normalize(augment(part.images[index]))
            with precision.autocast(device):
                scores = forward(images)
            loss = nn.functional.cross_entropy(scores.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            self.losses[self.step] = loss.detach()
            self.wrong += (scores.detach().argmax(1) != labels).sum()
            self.step += 1
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
        sizes = torch.full_like(self.losses, self.batch_size, dtype=torch.float64)
        sizes[-1] = len(self.order) - self.batch_size * (self.steps - 1)
        return (self.losses.double() @ sizes).item() / len(self.order), self.wrong.item() * 100 / len(self.order)
