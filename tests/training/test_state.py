"""A killed training goes on where it was, to the same bits; nothing else ever goes on from its state."""

import dataclasses
import random

import numpy as np
import pytest
import torch
from run_specs import SELFATT, files_in, recipe, run, run_spec
from test_dataset import separable, write_prepared

from cnntention.attention.kernel import Kernel
from cnntention.base.device import Machine
from cnntention.base.layout import DataFiles
from cnntention.data import dataset as datasets
from cnntention.data.specs import Augmentation
from cnntention.training import precision
from cnntention.training import state as states
from cnntention.training import train as step
from cnntention.training.captured import Capture
from cnntention.training.compilation import Compilation
from cnntention.training.plan import Plan
from cnntention.training.precision import Precision
from cnntention.training.specs import EarlyStopping, OneCycle
from cnntention.training.state import State
from cnntention.training.training import Training

CPU = torch.device("cpu")


class Killed(BaseException):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


def killed_after(epoch: int):
    """A log that ends the process after an epoch's line."""

    def log(line: str) -> None:
        if line.startswith(f"epoch {epoch + 1:>4}/"):
            raise Killed

    return log


def without_seconds(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def assert_same(one: Training, other: Training) -> None:
    assert without_seconds(one.rows) == without_seconds(other.rows)
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "epochs": 4, "milestones": (2,)},
        {"optimizer": "adam", "lr": 0.01, "epochs": 4, "milestones": (1, 3)},
        {
            "optimizer": "sgd",
            "lr": 0.01,
            "momentum": 0.9,
            "epochs": 4,
            "nesterov": True,
            "label_smoothing": 0.1,
            "schedule": OneCycle("onecycle", 0.3, "cos"),
        },
    ],
    ids=["sgd", "adam", "onecycle"],
)
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_killed_run_ends_with_the_bits_of_an_uninterrupted_one(paths, tmp_path, changes, epoch):
    spec = run_spec(changes, attention=SELFATT)
    whole = run(tmp_path / "whole", paths, spec)
    with pytest.raises(Killed):
        run(tmp_path / "killed", paths, spec, killed_after(epoch))
    assert (tmp_path / "killed/state.pt").exists()
    assert not (tmp_path / "killed/model.pt").exists()
    lines = []
    assert_same(run(tmp_path / "killed", paths, spec, lines.append), whole)
    assert f"resuming   after epoch {epoch}" in lines
    assert not (tmp_path / "killed/state.pt").exists()


def test_a_run_killed_after_it_stopped_early_does_not_go_on(paths, tmp_path, monkeypatch):
    spec = run_spec({"epochs": 9, "lr": 1e-9, "early_stopping": EarlyStopping(2, 0.5)}, validation_images=20)
    whole = run(tmp_path / "whole", paths, spec)
    assert len(whole.rows) < 9
    with monkeypatch.context() as patched:
        patched.setattr(step.history, "write", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            run(tmp_path / "killed", paths, spec)
    assert_same(run(tmp_path / "killed", paths, spec), whole)


def test_early_stopping_goes_on_from_what_it_has_seen(paths, tmp_path):
    """Errors would have to halve to count: training ends three epochs after the first."""
    rule = EarlyStopping(patience=3, threshold=0.5)
    spec = run_spec({"epochs": 9, "lr": 1e-9, "early_stopping": rule}, validation_images=20)
    whole = run(tmp_path / "whole", paths, spec)
    assert len(whole.rows) == 4
    with pytest.raises(Killed):
        run(tmp_path / "killed", paths, spec, killed_after(2))
    assert_same(run(tmp_path / "killed", paths, spec), whole)


def test_a_state_that_is_kept_gives_lost_outputs_again_without_training(paths, tmp_path):
    spec = run_spec({"epochs": 2})
    whole = run(tmp_path, paths, spec, keep_state=True)
    files = files_in(tmp_path)
    history = files.history.read_text()
    files.history.unlink()
    files.model.unlink()
    lines: list[str] = []
    assert_same(run(tmp_path, paths, spec, lines.append), whole)
    assert "resuming   after epoch 2" in lines
    assert not any(line.startswith("epoch") for line in lines)
    assert files.history.read_text() == history
    assert not files.state.exists()


@pytest.mark.parametrize(
    "change",
    [{"seed": 11}, {"recipe": recipe(epochs=5)}, {"augmentation": Augmentation(flip=False, crop_padding=1)}],
    ids=["seed", "epochs", "augmentation"],
)
def test_a_changed_spec_starts_from_the_beginning(paths, tmp_path, change):
    with pytest.raises(Killed):
        run(tmp_path / "killed", paths, run_spec({"epochs": 4}), killed_after(2))
    spec = run_spec({"epochs": 4} if "recipe" not in change else None, **change)
    assert_same(run(tmp_path / "killed", paths, spec), run(tmp_path / "whole", paths, spec))


@pytest.mark.parametrize("change", ["data", "torch", "precision", "determinism", "threads"])
def test_a_training_goes_on_from_its_own_state_alone(paths, tmp_path, monkeypatch, change):
    """Where the spec is the same, and the weights would not be."""
    spec = run_spec({"epochs": 3}, precision="auto")
    machine = Machine("cpu", threads=1)
    monkeypatch.setattr(precision, "CPU_FACTS", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags: fpu")

    def again(paths, machine, log=lambda line: None) -> None:
        step.train(spec, files_in(tmp_path / "run"), DataFiles(*paths), machine, log)

    with pytest.raises(Killed):
        again(paths, machine, killed_after(1))
    match change:
        case "data":
            paths = write_prepared(tmp_path / "other", separable(seed=1))
        case "torch":
            monkeypatch.setattr(torch, "__version__", "2.0.0")
        case "precision":
            (tmp_path / "cpuinfo").write_text("flags: fpu amx_bf16")
        case "determinism":
            machine = dataclasses.replace(machine, deterministic=True)
        case "threads":
            machine = dataclasses.replace(machine, threads=2)
    lines: list[str] = []
    again(paths, machine, lines.append)
    torch.set_num_threads(1)
    assert "starting   anew: there is a state of another config, code, torch or machine" in lines


def test_the_key_tells_spec_data_code_device_and_threads_apart(monkeypatch):
    spec = run_spec(attention=SELFATT)
    plan = Plan(Precision("fp32", ""), Compilation(False, ""), Capture(False, ""), Kernel("torch", ""), False)

    def key(*arguments, **changes):
        return states.key(*arguments, dataclasses.replace(plan, **changes).deciding)

    keys = [key(spec, "data", CPU), key(dataclasses.replace(spec, seed=11), "data", CPU), key(spec, "other", CPU)]
    keys.append(key(spec, "data", torch.device("cuda")))
    keys.append(key(spec, "data", CPU, precision=Precision("bf16", "")))
    keys.append(key(spec, "data", CPU, compilation=Compilation(True, "")))
    keys.append(key(spec, "data", CPU, attention=Kernel("avx512-0123456789ab", "")))
    keys.append(key(spec, "data", CPU, deterministic=True))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    keys.append(key(spec, "data", CPU))
    monkeypatch.setattr(states, "sha256", lambda path: "edited" if path.name == "selfatt.py" else "as it was")
    keys.append(key(spec, "data", CPU))
    monkeypatch.setattr(states, "sha256", lambda path: "as it was")
    keys.append(key(spec, "data", CPU))
    assert len(set(keys)) == len(keys)
    assert key(spec, "data", CPU) == keys[-1]


@pytest.mark.parametrize("content", [b"", b"no state", None], ids=["empty", "garbage", "half"])
def test_a_damaged_state_costs_its_epochs_and_no_more(paths, tmp_path, content):
    spec = run_spec({"epochs": 3})
    with pytest.raises(Killed):
        run(tmp_path / "killed", paths, spec, killed_after(1))
    path = tmp_path / "killed/state.pt"
    path.write_bytes(path.read_bytes()[:-500] if content is None else content)
    assert_same(run(tmp_path / "killed", paths, spec), run(tmp_path / "whole", paths, spec))


def test_a_flipped_bit_in_the_weights_is_not_trained_on(paths, tmp_path):
    spec = run_spec({"epochs": 3})
    with pytest.raises(Killed):
        run(tmp_path / "killed", paths, spec, killed_after(1))
    path = tmp_path / "killed/state.pt"
    content = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)["model"]["conv.weight"].numpy().tobytes()
    content[content.index(weights) + 5] ^= 64
    path.write_bytes(content)
    lines: list[str] = []
    assert_same(run(tmp_path / "killed", paths, spec, lines.append), run(tmp_path / "whole", paths, spec))
    assert f"starting   anew: {path} is damaged (BadZipFile)" in lines


def test_a_state_of_a_gpu_is_taken_up_where_other_gpus_are_seen(tmp_path, monkeypatch):
    """The random state of the GPU in use goes into it, not those of all: the next process may see fewer."""
    current, set_back = torch.arange(16, dtype=torch.uint8), []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: current)
    monkeypatch.setattr(torch.cuda, "set_rng_state", set_back.append)
    State(tmp_path / "state.pt", "k").save({"rows": []})
    assert State(tmp_path / "state.pt", "k").load() is not None
    assert len(set_back) == 1
    assert torch.equal(set_back[0], current)


def test_global_random_states_are_set_back(tmp_path):
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    torch.rand(3), np.random.standard_normal(3), random.gauss(0, 1)
    State(tmp_path / "state.pt", "k").save({"rows": []})
    expected = torch.rand(4), np.random.standard_normal(4), random.gauss(0, 1)
    assert State(tmp_path / "state.pt", "k").load()["rows"] == []
    drawn = torch.rand(4), np.random.standard_normal(4), random.gauss(0, 1)
    assert torch.equal(drawn[0], expected[0])
    assert np.array_equal(drawn[1], expected[1])
    assert drawn[2] == expected[2]


def test_there_is_nothing_to_load_before_the_first_epoch(tmp_path):
    assert State(tmp_path / "state.pt", "k").load() is None


def test_all_generators_begin_with_the_seed_of_a_run(paths):
    """A block may draw its initial values from any of them."""

    data = datasets.load(*paths, 0, torch.device("cpu"))

    def drawn_after(seed: int) -> list[float]:
        Training(run_spec(seed=seed), data, torch.device("cpu"))
        return [torch.rand(()).item(), np.random.rand(), random.random()]

    first, other, again = drawn_after(10), drawn_after(11), drawn_after(10)
    assert again == first
    assert all(one != another for one, another in zip(first, other, strict=True))
