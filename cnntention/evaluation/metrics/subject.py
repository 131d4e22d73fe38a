"""What a number of an evaluation is taken of."""

import dataclasses

from torch import Tensor

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part
from cnntention.network.resnet import ResNet


@dataclasses.dataclass(frozen=True)
class Subject:
    """A trained model, and its answers on the images that it is judged by.

    Attributes:
        model: in evaluation mode.
        part: the images, on the model's device.
        normalize: makes the network's input of them.
        scores: float64 ``[N, classes]``, logits, on the CPU.
        labels: int64 ``[N]``, on the CPU.
        shares: what attention added to the feature maps meanwhile, see
            :func:`cnntention.network.attention_use.shares`.
        class_names: in the order of the logits.
        image_shape: height, width, channels.
    """

    model: ResNet
    part: Part
    normalize: Normalizer
    scores: Tensor
    labels: Tensor
    shares: list[float | None]
    class_names: list[str]
    image_shape: tuple[int, int, int]
