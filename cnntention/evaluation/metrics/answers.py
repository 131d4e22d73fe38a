"""How good a model's answers are: accuracy, loss, and which classes it takes for which."""

import torch
from torch import Tensor

from cnntention.evaluation.metrics.subject import Subject
from cnntention.network import predict


def accuracy(subject: Subject) -> dict:
    """Number of images, accuracy and error in percent, mean cross-entropy."""
    loss, error = predict.loss_and_error(subject.scores, subject.labels)
    return {"n": len(subject.labels), "accuracy": 100 - error, "error": error, "loss": loss}


def accuracy_per_class(subject: Subject) -> dict:
    """In percent, by the class's name; None for a class without images."""
    counts = _counts(subject)
    totals, right = counts.sum(1).tolist(), counts.diagonal().tolist()
    shares = (100 * hits / total if total else None for hits, total in zip(right, totals, strict=True))
    return {"accuracy_per_class": dict(zip(subject.class_names, shares, strict=True))}


def confusion(subject: Subject) -> dict:
    """``confusion[i][j]`` counts images of class i that were taken for class j."""
    return {"confusion": _counts(subject).tolist()}


def _counts(subject: Subject) -> Tensor:
    """int64 ``[classes, classes]``: images by label and prediction."""
    classes = len(subject.class_names)
    pairs = subject.labels * classes + subject.scores.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
