"""How large a model is."""

from cnntention.evaluation.metrics.subject import Subject
from cnntention.network import complexity


def size(subject: Subject) -> dict:
    """Trainable parameters, and multiply-adds of one forward pass on one image."""
    return {
        "parameters": complexity.parameters(subject.model),
        "multiply_adds": complexity.multiply_adds(subject.model, subject.image_shape),
    }
