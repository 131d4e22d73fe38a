"""Predictions for picture files: as for the same images in a prepared dataset."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from run_specs import CBAM, run_spec

from cnntention.base.errors import CheckpointError, DataError
from cnntention.data.batches import Normalizer
from cnntention.data.dataset import load
from cnntention.data.prepare import prepare
from cnntention.data.specs import DataSpec
from cnntention.evaluation.prediction import predict
from cnntention.network.predict import logits
from cnntention.training import checkpoint
from cnntention.training.checkpoint import Checkpoint

torch.set_num_threads(1)

SPEC = run_spec(attention=CBAM)


@pytest.fixture
def trained() -> Checkpoint:
    torch.manual_seed(1)
    model = checkpoint.build(SPEC, 1, 2).eval()
    return Checkpoint(model, SPEC, ["oak", "lime"], "ab" * 32, {}, {}, (10, 10))


@pytest.fixture
def leaves(tmp_path):
    """Pictures of several kinds and sizes, half of each class for the tests."""
    random = np.random.default_rng(0)
    for number in range(8):
        path = tmp_path / "leaves" / ("lime", "oak")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        channels = 3 + number % 4 // 2
        Image.fromarray(random.integers(0, 256, (20 + number, 30, channels), dtype=np.uint8)).save(path)
    return tmp_path / "leaves"


def test_a_picture_is_prepared_as_in_training(trained, leaves, tmp_path):
    """Through files: the dataset's preparation and the evaluation's logits on one side, the pictures on the other."""
    spec = DataSpec("imagefolder", 10, {"path": str(leaves), "channels": 1, "test_share": 0.5})
    prepare(spec, tmp_path / "leaves.npz", tmp_path / "leaves.json", "downloads")
    part = load(tmp_path / "leaves.npz", tmp_path / "leaves.json").parts["train"]
    expected = logits(trained.model, part, Normalizer(SPEC.normalization, 1, "cpu")).softmax(1)
    found = list(predict(trained, sorted(leaves.rglob("*.png")), "a model"))
    confidences = [prediction.confidence for prediction in found]
    assert all(any(abs(float(row.max()) - each) < 1e-6 for each in confidences) for row in expected)
    for prediction in found:
        assert prediction.class_name in ("oak", "lime")
        assert prediction.heat.shape == (10, 10)
        assert prediction.heat.min() >= 0
        assert prediction.heat.max() <= 1


def test_without_a_size_nothing_is_guessed(trained, leaves):
    unknown = dataclasses.replace(trained, image_size=None)
    with pytest.raises(CheckpointError, match=r"old\.pt: does not say how large its images were; .*--image-size"):
        list(predict(unknown, [leaves / "oak" / "1.png"], "old.pt"))


def test_a_file_that_is_no_picture_is_named(trained, leaves):
    (leaves / "notes.png").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match=r"notes\.png: not a whole PNG, JPEG or WebP picture"):
        list(predict(trained, [leaves / "notes.png"], "a model"))
