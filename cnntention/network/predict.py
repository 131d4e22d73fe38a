"""A model's answers on a part of a dataset, in batches, without gradients."""

import torch
from torch import Tensor, nn

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part

BATCH_SIZES = {"cpu": 128, "cuda": 500, "mps": 500}
"""Images at a time. A CPU is no faster with more, and needs the memory; a GPU is, and takes fewer where it must."""


@torch.inference_mode()
def logits(model: nn.Module, part: Part, normalize: Normalizer) -> Tensor:
    """Logits ``[N, classes]`` for every image, in order; the model is left in evaluation mode."""
    model.eval()
    size = BATCH_SIZES[part.images.device.type]
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
