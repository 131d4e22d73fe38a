"""What a trained model takes picture files for, each brought to what the model was trained on."""

import dataclasses
import os
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from cnntention.base.errors import CheckpointError
from cnntention.data import pictures
from cnntention.data.batches import Normalizer
from cnntention.evaluation import gradcam
from cnntention.training.checkpoint import Checkpoint


@dataclasses.dataclass(frozen=True)
class Prediction:
    """Of one picture.

    Attributes:
        path: of the picture.
        class_name: the most probable.
        confidence: in it, the softmax's, 0..1.
        heat: Grad-CAM of the prediction, float ``[H, W]`` in 0..1, over the whole picture.
    """

    path: str
    class_name: str
    confidence: float
    heat: np.ndarray


def predict(trained: Checkpoint, paths: Sequence[str | os.PathLike], name: str) -> Iterator[Prediction]:
    """One prediction for each picture, on the CPU.

    A picture is read as by the source ``imagefolder`` (upright, white behind transparency, grey or colour as the model
    has it), resized as by ``image_size`` (bilinear, antialiased), and normalised as in training.

    Args:
        trained: the model.
        paths: of the pictures.
        name: of the model, for messages.

    Raises:
        DataError: a picture is missing or damaged.
        CheckpointError: nothing says which size the model's images had.
    """
    if trained.image_size is None:
        raise CheckpointError(f"{name}: does not say how large its images were; give their size, as in --image-size 32")
    normalize = Normalizer(trained.spec.normalization, trained.in_channels, "cpu")
    layer = gradcam.target_layer(trained.model)
    for path in paths:
        image = pictures.resize(pictures.read(path, trained.in_channels), trained.image_size)
        heat, probabilities = gradcam.maps(trained.model, layer, normalize(torch.from_numpy(image.copy())[None]))
        best = int(probabilities[0].argmax())
        yield Prediction(os.fspath(path), trained.class_names[best], float(probabilities[0, best]), heat[0])
