"""ONNX with the numbers of torch, or none."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch
from run_specs import MHA, run_spec

from cnntention.base.errors import CheckpointError, ExportError
from cnntention.data.batches import Normalizer
from cnntention.training import checkpoint, portable
from cnntention.training.checkpoint import Checkpoint
from cnntention.workflow import model_export

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
torch.set_num_threads(1)

SPEC = run_spec(attention=MHA)
STEM = "separable-tiny-full-seed10"


@pytest.fixture
def trained() -> Checkpoint:
    torch.manual_seed(1)
    model = checkpoint.build(SPEC, 1, 3).eval()
    for connection in model.attention:
        torch.nn.init.constant_(connection.gate, 0.5)
    return Checkpoint(model, SPEC, ["oak", "lime", "ash"], "ab" * 32, {}, {}, (12, 10))


def test_an_exported_model_gives_torchs_logits_for_pixels_from_0_to_1(trained, tmp_path):
    lines = list(model_export.export(trained, str(tmp_path), "a model"))
    assert [line.partition(" ")[0] for line in lines] == [f"{tmp_path / STEM}.safetensors", f"{tmp_path / STEM}.onnx"]
    images = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 1), dtype=np.uint8)
    session = onnxruntime.InferenceSession(tmp_path / f"{STEM}.onnx")
    (found,) = session.run(None, {"images": (images / 255).astype(np.float32).transpose(0, 3, 1, 2)})
    with torch.inference_mode():
        expected = trained.model(Normalizer(SPEC.normalization, 1, "cpu")(torch.from_numpy(images)))
    assert np.abs(found - expected.numpy()).max() < 1e-4
    described = session.get_modelmeta().custom_metadata_map
    assert json.loads(described["class_names"]) == ["oak", "lime", "ash"]
    assert portable.load(tmp_path / f"{STEM}.safetensors").notes() == trained.notes()


def test_an_onnx_with_other_numbers_is_not_written(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(model_export, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match=r"\.onnx: not written, since onnxruntime's logits differ from torch's"):
        list(model_export.export(trained, str(tmp_path), "a model"))
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_a_model_that_onnx_cannot_express_ends_with_one_line(trained, tmp_path, monkeypatch):
    def forward(self, images):
        return self.model(images) if images.sum() > 0 else images

    monkeypatch.setattr(model_export.Deployed, "forward", forward)
    with pytest.raises(ExportError, match=r"\.onnx: not written, since torch cannot express this model") as caught:
        list(model_export.export(trained, str(tmp_path), "a model"))
    assert "\n" not in str(caught.value)


def test_a_missing_library_is_named_with_what_to_install(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExportError, match=r"onnxruntime is not installed; .*pip install '\.\[export\]'"):
        list(model_export.export(trained, str(tmp_path), "a model"))


def test_without_a_size_nothing_is_guessed(trained, tmp_path):
    with pytest.raises(CheckpointError, match="does not say how large its images were"):
        list(model_export.export(dataclasses.replace(trained, image_size=None), str(tmp_path), "a model"))
