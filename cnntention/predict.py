"""A model's answers on a part of a dataset, in batches, without gradients."""

import torch
from torch import Tensor, nn

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part

BATCH_SIZE = 500
"""Images at a time; fewer where a GPU's memory does not do."""


@torch.inference_mode()
def logits(model: nn.Module, part: Part, normalize: Normalizer) -> Tensor:
    """Logits ``[N, classes]`` for every image, in order; the model is left in evaluation mode."""
    model.eval()
    size = BATCH_SIZE
    while True:
        try:
            return torch.cat([model(normalize(images)) for images in part.images.split(size)])
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2


def loss_and_error(scores: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy and error in percent of logits ``[N, classes]`` against labels ``[N]``."""
    loss = nn.functional.cross_entropy(scores, labels)
    wrong = (scores.argmax(1) != labels).sum().item()
    return loss.item(), wrong * 100 / len(labels)
