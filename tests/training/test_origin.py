"""What a checkpoint says of its training, without torch."""

import pickle
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT
from run_specs import SELFATT, run_spec

from cnntention.base import specs
from cnntention.base.errors import CheckpointError
from cnntention.training import checkpoint, origin

TRAINING = {"seconds": 3.25, "epochs": 2, "device": "CPU", "precision": "fp32"}


@pytest.fixture
def path(tmp_path):
    """A real checkpoint."""
    spec = run_spec(attention=SELFATT)
    model = checkpoint.build(spec, 1, 3)
    checkpoint.save(tmp_path / "model.pt", model, spec, ["a", "b", "c"], "ab" * 32, TRAINING)
    return tmp_path / "model.pt"


def test_spec_and_training_are_those_that_torch_reads(path):
    found, whole = origin.notes(path), checkpoint.load(path)
    assert specs.read(type(whole.spec), found["spec"]) == whole.spec
    assert found["training"] == whole.training == TRAINING


def test_torch_is_not_imported(path):
    steps = ("from cnntention.training import origin", f"origin.notes({str(path)!r})", "import sys")
    code = "; ".join([*steps, "print('torch' in sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('code was run')",)


@pytest.mark.parametrize("content", [{"spec": {}}, [1], None, {"spec": Evil(), "training": {}}])
def test_what_is_no_checkpoint_is_refused_and_its_code_never_run(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r"model\.pt: missing, damaged, or no checkpoint"):
        origin.notes(tmp_path / "model.pt")


@pytest.mark.parametrize("cut", [0, 10, -100])
def test_a_damaged_or_missing_file_is_named(path, cut):
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match=r"model\.pt"):
        origin.notes(path)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"model\.pt"):
        origin.notes(path)
