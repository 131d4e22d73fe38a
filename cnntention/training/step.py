"""One training step: what a batch of images does to the weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cnntention.data.batches import Augmenter, Normalizer
from cnntention.data.dataset import Part
from cnntention.training.epoch import Epoch
from cnntention.training.precision import Precision


class Step:
    """Augmentation, forward pass, loss, backward pass, optimiser, and the running sums of the epoch.

    Args:
        forward: the model, in training mode.
        part: the training images.
        normalize: of the images.
        augment: likewise.
        optimizer: of the model's parameters.
        precision: of the forward pass.
        label_smoothing: see :class:`cnntention.training.specs.Recipe`; the sums of the epoch are those of its loss.
    """

    def __init__(
        self,
        forward: Callable[[Tensor], Tensor],
        part: Part,
        normalize: Normalizer,
        augment: Augmenter,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        label_smoothing: float = 0.0,
    ):
        self.forward = forward
        self.part = part
        self.normalize = normalize
        self.augment = augment
        self.optimizer = optimizer
        self.precision = precision
        self.label_smoothing = label_smoothing

    def images(self, index: Tensor) -> Tensor:
        """The network's input for some of the training images: ``[B] -> [B, C, H, W]``."""
        return self.normalize(self.augment(self.part.images[index]))

    def __call__(self, epoch: Epoch) -> None:
        """Take the next batch of an epoch."""
        epoch.add(*self.take(epoch.batch()))

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take some of the training images, ``[B]``: returns their mean loss, and how many were wrongly predicted."""
        labels = self.part.labels[index]
        self.optimizer.zero_grad(set_to_none=True)
        scores, loss = self._backward(self.images(index), labels)
        self.optimizer.step()
        return loss, (scores.argmax(1) != labels).sum()

    def rehearse(self, size: int) -> None:
        """Forward and backward pass on a batch of this size, as in a step, and no more: the gradients stay."""
        self._backward(self.normalize(self.part.images[:size]), self.part.labels[:size])

    def _backward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the mean loss, which is returned after the scores ``[B, classes]``, both detached."""
        with self.precision.autocast(images.device):
            scores = self.forward(images)
        loss = nn.functional.cross_entropy(scores.float(), labels, label_smoothing=self.label_smoothing)
        loss.backward()
        return scores.detach(), loss.detach()
