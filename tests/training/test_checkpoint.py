"""``model.pt``: written, read, and refused."""

import dataclasses
import errno
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from run_specs import MHA, SELFATT, run_spec

from cnntention.base import specs
from cnntention.base.errors import CheckpointError
from cnntention.network.specs import Attention
from cnntention.training import checkpoint

torch.set_num_threads(1)

SPEC = run_spec(attention=SELFATT)
NAMES = ["cat", "dog", "emu"]
TRAINING = {"seconds": 1.5, "epochs": 2, "device": "CPU", "precision": "fp32"}
KEYS = ("state_dict", "spec", "in_channels", "class_names", "data_sha256", "training", "versions")


def trained_model() -> torch.nn.Module:
    """A model none of whose weights and statistics is what it was at the start."""
    torch.manual_seed(3)
    model = checkpoint.build(SPEC, 1, len(NAMES))
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape) + 0.1 if "var" in name else torch.randn(tensor.shape) / 4)
    return model.eval()


@pytest.fixture
def model() -> torch.nn.Module:
    return trained_model()


@pytest.fixture
def path(model, tmp_path) -> Path:
    """A good checkpoint."""
    checkpoint.save(tmp_path / "run" / "model.pt", model, SPEC, NAMES, "abc123", TRAINING)
    return tmp_path / "run" / "model.pt"


def changed_spec(**changes) -> dict:
    """Of a file's content."""
    return {"spec": specs.plain(dataclasses.replace(SPEC, **changes))}


def refusal(path: Path) -> str:
    """The text with which a file is refused; it names the file."""
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


# ---- written and read


def test_loaded_model_gives_identical_logits(model, path):
    images = torch.randn(5, 1, 8, 8)
    loaded = checkpoint.load(path)
    assert not loaded.model.training
    with torch.no_grad():
        assert torch.equal(loaded.model(images), model(images))
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in loaded.model.state_dict().items())


def test_all_that_was_saved_is_read(path):
    loaded = checkpoint.load(path)
    assert loaded.spec == SPEC
    assert loaded.class_names == NAMES
    assert loaded.data_sha256 == "abc123"
    assert loaded.training == TRAINING
    assert set(loaded.versions) == {"cnntention", "python", "torch", "torchvision", "numpy"}
    assert loaded.versions["torch"] == str(torch.__version__)


def test_file_holds_plain_data_alone(path):
    content = torch.load(path, weights_only=True)
    assert set(content) == {*KEYS, "image_size"}


def test_layout_of_the_model_in_memory_does_not_reach_the_file(model, path):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    checkpoint.save(path, model.to(memory_format=torch.channels_last), SPEC, NAMES, "abc123", TRAINING)
    content = torch.load(path, weights_only=True)["state_dict"]
    assert all(tensor.is_contiguous() and torch.equal(tensor, before[name]) for name, tensor in content.items())


def test_saving_leaves_one_file_and_replaces_the_former(model, path):
    checkpoint.save(path, model, dataclasses.replace(SPEC, seed=11), NAMES, "abc123", TRAINING)
    assert checkpoint.load(path).spec.seed == 11
    assert list(path.parent.iterdir()) == [path]


def test_failed_saving_leaves_the_former_file(model, path, monkeypatch):
    def fail(target, content):
        with open(target, "wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, "disk full")

    before = path.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(path, model, SPEC, NAMES, "abc123", TRAINING)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


# ---- refused


def test_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "model.pt")


def test_folder(tmp_path):
    refusal(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refusal(path)


def test_zip_of_something_else(path):
    np.savez(path.with_suffix(".npz"), x=np.zeros(3))
    refusal(path.with_suffix(".npz"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        b"<html></html>",
        b"\x00" * 100,
        b".",  # a whole pickle program, which takes a value from an empty stack
        b"j",  # an instruction without its argument
        b"X\x04\x00\x00\x00\xe2\xe2\xe2\xe2.",  # text that is no UTF-8
    ],
    ids=["git-lfs", "html", "zeros", "empty stack", "no argument", "no UTF-8"],
)
def test_file_that_is_no_checkpoint(path, content):
    path.write_bytes(content)
    refusal(path)


def test_damaged_directory_of_the_zip(path):
    """A bit flips in the name of a record."""
    content = path.read_bytes()
    place = content.rindex(b"data.pkl")
    path.write_bytes(content[:place] + bytes([content[place] ^ 0x80]) + content[place + 1 :])
    refusal(path)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_flipped_bit_in_the_weights(path, place):
    """The zip's checksums tell, which torch.load does not look at."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    refusal(path)


class Trap:
    """Its pickle makes a file when it is run."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("form", ["torch", "legacy", "pickle"])
def test_pickle_with_code_is_not_run(path, tmp_path, form):
    marker = tmp_path / "marker"
    content = torch.load(path, weights_only=True) | {"training": Trap(marker)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    text = refusal(path)
    assert form != "torch" or "code" in text
    assert not marker.exists()
    torch.load(path, weights_only=False) if form != "pickle" else pickle.loads(path.read_bytes())
    assert marker.exists(), "the trap works where it is run"


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], None, 3, "text", {}])
def test_plain_data_of_another_kind(path, content):
    torch.save(content, path)
    refusal(path)


@pytest.mark.parametrize("key", KEYS)
def test_key_missing(path, key):
    content = torch.load(path, weights_only=True)
    del content[key]
    torch.save(content, path)
    assert key in refusal(path)


@pytest.mark.parametrize("key", ["depth", "attention"])
def test_key_missing_in_the_spec(path, key):
    content = torch.load(path, weights_only=True)
    del content["spec"][key]
    torch.save(content, path)
    assert key in refusal(path)


def test_the_size_of_the_images_is_kept_and_older_files_have_none(model, path):
    assert checkpoint.load(path).image_size is None
    checkpoint.save(path, model, SPEC, NAMES, "abc123", TRAINING, (28, 20))
    assert checkpoint.load(path).image_size == (28, 20)
    content = torch.load(path, weights_only=True)
    del content["image_size"]
    torch.save(content, path)
    assert checkpoint.load(path).image_size is None


def test_a_file_from_before_a_key_existed_is_read(path):
    content = torch.load(path, weights_only=True)
    assert "widths" not in content["spec"], "a default is left out"
    content["spec"] |= {"widths": list(SPEC.widths)}
    torch.save(content, path)
    assert checkpoint.load(path).spec == SPEC


def test_a_file_with_a_key_that_is_unknown_here_is_refused(path):
    content = torch.load(path, weights_only=True)
    content["spec"]["of_a_later_version"] = 1
    torch.save(content, path)
    assert "of_a_later_version" in refusal(path)


@pytest.mark.parametrize(
    "changes",
    [
        changed_spec(depth=14),
        changed_spec(widths=(16, 32, 32)),
        changed_spec(attention=None),
        changed_spec(attention=MHA),
        changed_spec(attention=Attention("selfatt", "plain", {})),
        changed_spec(attention=Attention("unknown", "plain", {})),
        changed_spec(attention=Attention("mha", "weighted", {"arms": 8})),
        {"in_channels": 3},
        {"class_names": NAMES[:2]},
    ],
    ids=[
        "depth",
        "widths",
        "no attention",
        "other block",
        "other residual",
        "unknown block",
        "unknown option",
        "channels",
        "classes",
    ],
)
def test_weights_of_another_architecture(path, changes):
    torch.save(torch.load(path, weights_only=True) | changes, path)
    refusal(path)


@pytest.mark.parametrize("change", ["missing", "surplus", "shape"])
def test_state_dict_that_does_not_fit(path, change):
    content = torch.load(path, weights_only=True)
    if change == "missing":
        del content["state_dict"]["fc.bias"]
    else:
        content["state_dict"]["extra" if change == "surplus" else "fc.bias"] = torch.zeros(7)
    torch.save(content, path)
    assert ("extra" if change == "surplus" else "fc.bias") in refusal(path)


def test_message_is_one_line(path):
    torch.save(torch.load(path, weights_only=True) | changed_spec(depth=20), path)
    assert "\n" not in refusal(path)
