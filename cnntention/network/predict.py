"""A model's predictions on a part of a dataset, in batches, without gradients."""

import torch
from torch import Tensor, nn

from cnntention.base.memory import is_out_of_memory
from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part

BATCH_SIZES = {"cpu": 128, "cuda": 500, "mps": 32}
"""Images in a batch. More make a CPU no faster and cost memory; a GPU is faster, and takes fewer if it has to.

Apple's GPUs store all weights of an attention block: 34 MB an image for MHA on 32x32 images, and a copy or two of it.
"""


@torch.inference_mode()
def logits(model: nn.Module, part: Part, normalize: Normalizer) -> Tensor:
    """Logits ``[N, classes]`` for every image, in order; the model is left in evaluation mode.

    A batch that runs out of memory is begun anew with half of the images, as are those after it.
    """
    model.eval()
    size = BATCH_SIZES[part.images.device.type]
    answers: list[Tensor] = []
    done = 0
    while done < len(part):
        try:
            answers.append(model(normalize(part.images[done : done + size])))
            done += size
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
            size //= 2
    return torch.cat(answers)


def loss_and_error(scores: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy and error in percent of logits ``[N, classes]`` against labels ``[N]``."""
    loss = nn.functional.cross_entropy(scores, labels)
    wrong = (scores.argmax(1) != labels).sum().item()
    return loss.item(), wrong * 100 / len(labels)
