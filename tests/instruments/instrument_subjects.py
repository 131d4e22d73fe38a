"""Untrained models on random images, as instruments are given them."""

import numpy as np
import torch
from run_specs import run_spec
from torch import nn

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Dataset, Part
from cnntention.instruments.contract import Subject
from cnntention.network.specs import Attention
from cnntention.training import checkpoint

torch.set_num_threads(1)

CLASSES = 3
SIZE = 8


def subject(attention: Attention | None, images: int = 6, **changes) -> Subject:
    """A ResNet-8, its gates open, and grey images of 8x8 pixels: its stages have 8x8, 4x4 and 2x2 positions."""
    spec = run_spec(attention=attention, normalization=None, **changes)
    torch.manual_seed(0)
    model = checkpoint.build(spec, 1, CLASSES).eval()
    for connection in model.attention:
        if hasattr(connection, "gate"):
            nn.init.constant_(connection.gate, 1.0)
    shown = torch.randint(0, 256, (images, SIZE, SIZE, 1), dtype=torch.uint8)
    part = Part(shown, torch.randint(0, CLASSES, (images,)))
    data = Dataset({"train": part, "test": part}, ["a", "b", "c"], (SIZE, SIZE, 1), "0" * 64)
    return Subject(model, part, np.arange(images), Normalizer(None, 1, "cpu"), spec, data)
