"""How a network's error grows with corrupted images: kinds in :mod:`cnntention.data.corruption`, or official files."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from cnntention.base.errors import DataError
from cnntention.data.cifar10c import CorruptedFiles
from cnntention.data.corruption import CORRUPTIONS, STRENGTHS, corrupt
from cnntention.data.dataset import Part
from cnntention.data.split import judging_part
from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "Error on corrupted copies of the images, in five strengths; the network was trained without them. None: on the "
    "images as they are; all: mean over the corruptions."
)
NEEDS = ""
OPTIONS = {
    "path": {
        "type": ["string", "null"],
        "if": {"type": "string"},
        "then": {"$ref": "#/$defs/path"},
        "default": None,
        "description": "folder of official files, such as those of CIFAR-10-C: NAME.npy of each corruption, and "
        "labels.npy; null: eight corruptions of our own, made as they are needed",
    },
}

NONE, ALL = "none", "all"
MEAN = "mean error"


def measure(subject: Subject, path: str | None = None) -> Measurement:
    """A row without corruption, one for each corruption, and one for their mean.

    Raises:
        DataError: official files are missing or damaged, or are not of the images that judge the run.
    """
    numbers = [Number.share(MEAN, _wrong(subject), {"corruption": NONE})]
    by_kind = []
    for name, make in _corruptions(subject, path):
        wrong = np.stack([_wrong(subject, make(strength)) for strength in STRENGTHS])
        numbers.append(Number.over_images(MEAN, "%", 100 * wrong.mean(0), {"corruption": name}))
        for strength, each in zip(STRENGTHS, wrong, strict=True):
            numbers.append(Number.share(f"strength {strength}", each, {"corruption": name}))
        by_kind.append(wrong)
    of_all = np.mean(by_kind, axis=0)
    numbers.append(Number.over_images(MEAN, "%", 100 * of_all.mean(0), {"corruption": ALL}))
    for strength, each in zip(STRENGTHS, of_all, strict=True):
        numbers.append(Number.over_images(f"strength {strength}", "%", 100 * each, {"corruption": ALL}))
    return Measurement(numbers)


def _corruptions(subject: Subject, path: str | None) -> Iterator[tuple[str, Callable[[int], Tensor]]]:
    """The name of each corruption, and what makes uint8 ``[N, H, W, C]`` of a strength."""
    if path is None:
        for name in CORRUPTIONS:
            yield name, functools.partial(corrupt, subject.part.images, name)
        return
    if judging_part(subject.spec.split) != "test":
        raise DataError(f"{path}: made of test images, and {subject.spec.run} is judged by others (path)")
    files = CorruptedFiles(path, subject.data.parts["test"])
    for name in files.names:
        yield name.replace("_", " "), functools.partial(files.images, name, subject.indices)


def _wrong(subject: Subject, images: Tensor | None = None) -> np.ndarray:
    """bool ``[N]``, whether the network is wrong; ``images`` stand in place of the subject's."""
    part = subject.part
    if images is not None:
        part = Part(images.to(part.images.device), part.labels)
    answers = dataclasses.replace(subject, part=part).logits().argmax(1)
    return (answers != part.labels.cpu()).numpy()
