"""The file that says where a training stands."""

import json
import signal

import pytest
from run_specs import run_spec

from cnntention.base.errors import InterruptionError
from cnntention.base.specs import digest
from cnntention.training.heartbeat import Beat, Heartbeat, read

SPEC = run_spec()
ROWS = [
    {"epoch": 1, "train_error": 50.0, "test_error": 40.0, "seconds": 2.0},
    {"epoch": 2, "train_error": 30.0, "test_error": 20.0, "seconds": 4.0},
]


@pytest.fixture
def heart(tmp_path) -> Heartbeat:
    return Heartbeat(tmp_path / "state" / "seed3.json", SPEC, "CPU")


def test_it_says_before_the_first_epoch_that_there_is_a_training(heart):
    heart.beat([], None)
    assert read(heart.path) == Beat(digest(SPEC), "CPU")


def test_it_says_what_the_last_epoch_came_to_and_how_long_one_takes(heart):
    heart.beat(ROWS, 3.0)
    assert read(heart.path) == Beat(digest(SPEC), "CPU", 2, 3.0, 30.0, 20.0)


def test_the_error_of_a_tuning_run_is_that_on_validation_images(heart):
    heart.beat([{"epoch": 1, "train_error": 50.0, "validation_error": 41.0, "seconds": 2.0}], 2.0)
    assert read(heart.path).error == 41.0


def test_it_is_gone_after_the_end(heart):
    with heart:
        heart.beat(ROWS, 3.0)
        assert heart.path.exists()
    assert not list(heart.path.parent.iterdir())


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (InterruptionError("stopped", signal.SIGTERM), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("odd"), "failed"),
    ],
)
def test_it_says_how_a_training_stopped_and_keeps_what_was_known(heart, error, ended):
    heart.beat(ROWS, 3.0)
    with pytest.raises(type(error)), heart:
        raise error
    beat = read(heart.path)
    assert (beat.ended, beat.epoch, beat.error) == (ended, 2, 20.0)
    assert beat.message == (str(error) or "KeyboardInterrupt")


def test_a_file_that_cannot_be_written_stops_no_training(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    heart = Heartbeat(tmp_path / "state" / "seed3.json", SPEC, "CPU")
    heart.beat(ROWS, 3.0)
    with pytest.raises(ValueError, match="of the training"), heart:
        raise ValueError("of the training")
    assert (tmp_path / "state").is_file()


def test_a_training_that_never_got_to_its_first_epoch_leaves_nothing(tmp_path):
    with Heartbeat(tmp_path / "seed3.json", SPEC, "CPU"):
        pass
    assert not list(tmp_path.iterdir())


GOOD = {"spec": "0", "device": "CPU", "epoch": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[1]",
        '"text"',
        "{}",
        "[" * 100_000,
        json.dumps(GOOD)[:-3],
        json.dumps(GOOD | {"epoch": "3"}),
        json.dumps(GOOD | {"epoch": None}),
        json.dumps(GOOD | {"epoch": True}),
        json.dumps(GOOD | {"device": 3}),
        json.dumps(GOOD | {"ended": 3}),
        json.dumps(GOOD | {"error": "3"}),
        json.dumps(GOOD | {"seconds_per_epoch": float("inf")}),
        json.dumps(GOOD | {"of_a_later_version": 1}),
    ],
)
def test_a_damaged_file_is_passed_over(tmp_path, text):
    file = tmp_path / "seed3.json"
    file.write_text(text)
    assert read(file) is None
    file.write_text(json.dumps(GOOD))
    assert read(file).epoch == 1


def test_neither_a_missing_file_nor_a_folder_nor_bytes_are_an_error(tmp_path):
    assert read(tmp_path / "absent.json") is None
    assert read(tmp_path) is None
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    assert read(tmp_path / "bytes.json") is None
