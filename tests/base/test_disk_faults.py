"""A disk that is full or read-only: one clear message, nothing half-written, old files whole, and on it goes after."""

import dataclasses
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from run_specs import files_in, run, run_spec
from test_dataset import separable, write_prepared
from test_state import assert_same

from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.base.files import write_text
from cnntention.base.layout import DataFiles
from cnntention.data.prepare import prepare
from cnntention.data.specs import DataSpec
from cnntention.evaluation.evaluate import evaluate
from cnntention.reporting.style import save
from cnntention.training import checkpoint, history
from cnntention.training.state import State
from cnntention.training.training import Training


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


@pytest.fixture(scope="module")
def whole(paths, tmp_path_factory) -> tuple[Training, Path]:
    """A run, and the folder of its files."""
    folder = tmp_path_factory.mktemp("whole")
    return run(folder, paths, SPEC), folder


SPEC = run_spec({"epochs": 3})


def write_state(path: Path) -> None:
    State(path, "key").save({"model": torch.ones(1000)})


def write_model(path: Path) -> None:
    spec = run_spec()
    checkpoint.save(path, checkpoint.build(spec, 1, 3), spec, ["a", "b", "c"], "0" * 64, {})


def write_history(path: Path) -> None:
    history.write(path, [{"epoch": epoch, "lr": 0.1, "train_loss": 1.0} for epoch in range(1, 201)])


def write_figure(path: Path) -> None:
    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    save(figure, path, 100)


def write_data(path: Path) -> None:
    folder = path.parent.parent / "source"
    write_prepared(folder, separable())  # of which this is the user's file
    prepare(DataSpec("npz", None, {"path": str(folder / "source.npz")}), path, path.with_name("card.json"), folder)


WRITERS = {
    "state.pt": write_state,
    "model.pt": write_model,
    "history.csv": write_history,
    "figure.png": write_figure,
    "figure.svg": write_figure,
    "table.md": lambda path: write_text(path, "| a table |\n"),
    "data.npz": write_data,
}


@pytest.mark.parametrize("fault", ["full", "read-only"])
@pytest.mark.parametrize("name", WRITERS)
def test_one_message_names_the_file_and_old_files_stay_whole(disk, name, fault):
    small = disk()
    path, write = small.folder / name, WRITERS[name]
    path.write_bytes(b"old")
    if fault == "full":
        small.fill()
        before = {"filler", name}
    else:
        small.make_read_only()
        before = {name}
    with pytest.raises(SystemExit) as caught, reported():
        write(path)
    problem = {"full": "No space left on device", "read-only": "Read-only file system"}[fault]
    assert caught.value.code == f"error: {path}: {problem}"
    assert path.read_bytes() == b"old"
    assert {file.name for file in small.folder.iterdir()} == before
    if fault == "full":
        small.free()
    else:
        small.make_writable()
    write(path)
    assert path.read_bytes() != b"old"


def test_a_results_folder_that_cannot_be_made_is_named(disk):
    small = disk()
    small.make_read_only()
    with pytest.raises(SystemExit) as caught, reported():
        write_state(small.folder / "state/mnist/mha.pt")
    assert caught.value.code == f"error: {small.folder / 'state'}: Read-only file system"


def test_a_disk_too_small_for_the_state_ends_the_training_after_an_epoch(disk, paths, whole):
    small = disk(kilobytes=200)
    lines: list[str] = []
    with pytest.raises(SystemExit) as caught, reported():
        run(small.folder, paths, SPEC, lines.append)
    assert caught.value.code == f"error: {small.folder / 'state.pt'}: No space left on device"
    assert lines[-1].startswith("epoch    1/3")
    assert [file.name for file in small.folder.iterdir()] == ["state.json"]  # which tells watchers of the failure


def test_a_disk_that_fills_up_between_epochs_costs_one_epoch(disk, paths, whole):
    small = disk(kilobytes=4096)

    def fill(line: str) -> None:
        if line.startswith("epoch    2/"):
            small.fill()

    with pytest.raises(SystemExit) as caught, reported():
        run(small.folder, paths, SPEC, fill)
    assert "state.pt: No space left on device" in caught.value.code
    small.free()
    lines: list[str] = []
    assert_same(run(small.folder, paths, SPEC, lines.append), whole[0])
    assert "resuming   after epoch 1" in lines


@pytest.mark.parametrize("output", ["history.csv", "model.pt"])
def test_a_disk_that_is_full_at_the_end_costs_nothing(disk, paths, whole, monkeypatch, output):
    small = disk(kilobytes=4096)
    module, name = {"history.csv": (history, "write"), "model.pt": (checkpoint, "save")}[output]
    write = getattr(module, name)
    with monkeypatch.context() as patched:
        patched.setattr(module, name, lambda *arguments: (small.fill(), write(*arguments)))
        with pytest.raises(SystemExit) as caught, reported():
            run(small.folder, paths, SPEC)
    assert caught.value.code == f"error: {small.folder / output}: No space left on device"
    assert not (small.folder / output).exists()
    small.free()
    lines: list[str] = []
    assert_same(run(small.folder, paths, SPEC, lines.append), whole[0])
    assert "resuming   after epoch 3" in lines
    assert not any(line.startswith("epoch") for line in lines)


def test_an_evaluation_without_room_leaves_no_file(disk, paths, whole):
    small = disk()
    small.fill()
    files = dataclasses.replace(files_in(small.folder), model=whole[1] / "model.pt")
    with pytest.raises(SystemExit) as caught, reported():
        evaluate(files, DataFiles(*paths), Machine("cpu", threads=1))
    assert caught.value.code == f"error: {small.folder / 'predictions.npz'}: No space left on device"
    assert [file.name for file in small.folder.iterdir()] == ["filler"]
