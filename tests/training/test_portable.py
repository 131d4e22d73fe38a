"""Models as safetensors: the same model, read without torch's pickles, and refused where it is something else."""

import json

import pytest
import torch
from run_specs import CBAM, run_spec

from cnntention.base.errors import CheckpointError
from cnntention.training import checkpoint, portable

safetensors = pytest.importorskip("safetensors.torch")
torch.set_num_threads(1)

SPEC = run_spec(attention=CBAM)


@pytest.fixture
def trained(tmp_path) -> checkpoint.Checkpoint:
    torch.manual_seed(3)
    model = checkpoint.build(SPEC, 1, 3)
    checkpoint.save(tmp_path / "model.pt", model, SPEC, ["cat", "dog", "emu"], "ab" * 32, {"epochs": 2}, (12, 10))
    return portable.load(tmp_path / "model.pt")


def test_a_written_model_is_read_with_all_that_is_known_of_it(trained, tmp_path):
    path = tmp_path / "model.safetensors"
    portable.write(path, trained)
    loaded = portable.load(path)
    images = torch.randn(2, 1, 12, 10)
    with torch.inference_mode():
        assert torch.equal(loaded.model(images), trained.model(images))
    assert not loaded.model.training
    assert loaded.notes() == trained.notes()
    assert loaded.spec == SPEC
    assert loaded.image_size == (12, 10)


def test_the_file_is_plain_safetensors(trained, tmp_path):
    path = tmp_path / "model.safetensors"
    portable.write(path, trained)
    weights = safetensors.load_file(path)
    assert set(weights) == set(trained.model.state_dict())
    assert all(torch.equal(tensor, trained.model.state_dict()[name]) for name, tensor in weights.items())


def spoiled(path, trained, how: str) -> None:
    weights = dict(trained.model.state_dict())
    notes = {portable.KEY: json.dumps(trained.notes())}
    if how == "no metadata":
        safetensors.save_file(weights, path)
    elif how == "other metadata":
        safetensors.save_file(weights, path, {portable.KEY: "[1]"})
    elif how == "no spec":
        safetensors.save_file(weights, path, {portable.KEY: "{}"})
    elif how == "no JSON":
        safetensors.save_file(weights, path, {portable.KEY: "{"})
    elif how == "other weights":
        del weights["fc.bias"]
        safetensors.save_file(weights, path, notes)
    elif how == "half":
        safetensors.save_file(weights, path, notes)
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "no safetensors":
        path.write_bytes(b"<html></html>")


HOW = ["no metadata", "other metadata", "no spec", "no JSON", "other weights", "half", "no safetensors", "missing"]


@pytest.mark.parametrize("how", HOW)
def test_another_file_is_refused_in_one_line_with_its_name(trained, tmp_path, how):
    path = tmp_path / "other.safetensors"
    spoiled(path, trained, how)
    with pytest.raises(CheckpointError) as caught:
        portable.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
