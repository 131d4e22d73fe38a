"""From a source to one prepared file and its card."""

import collections
import dataclasses
import hashlib
import json

import numpy as np
import pytest

from cnntention.base.errors import DataError
from cnntention.base.files import sha256
from cnntention.data import card as module
from cnntention.data import npz, source
from cnntention.data.card import Card
from cnntention.data.prepare import prepare
from cnntention.data.specs import DataSpec


@pytest.fixture
def files(tmp_path):
    """Where the prepared file and its card go."""
    return tmp_path / "out" / "data.npz", tmp_path / "out" / "data.json"


@pytest.fixture
def own(tmp_path):
    """Call it with the source's own keys, and arrays that replace regular ones; returns the spec of such a dataset."""

    def spec(image_size=None, options=None, **changes) -> DataSpec:
        np.savez(tmp_path / "own.npz", **(regular() | changes))
        return DataSpec("npz", image_size, {"path": str(tmp_path / "own.npz")} | (options or {}))

    return spec


def regular(train=20, test=10, shape=(8, 8, 3)) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {
        "x_train": random.integers(0, 256, (train, *shape), dtype=np.uint8),
        "y_train": np.arange(train) % 4,
        "x_test": random.integers(0, 256, (test, *shape), dtype=np.uint8),
        "y_test": np.arange(test) % 4,
    }


def prepared(spec, files, folder="downloads"):
    """The arrays and the card as they lie on the disk."""
    data, card = files
    returned = prepare(spec, data, card, folder)
    assert Card.read(card) == returned
    return npz.read(data), json.loads(card.read_text(encoding="utf-8"))


DIGITS = DataSpec("digits", None, {})


# ---- digits


def test_the_card_of_the_digits(files):
    arrays, card = prepared(DIGITS, files)
    assert card["images"] == {"train": 1437, "test": 360}
    assert card["image_shape"] == [8, 8, 1]
    assert card["class_names"] == list("0123456789")
    assert card["sha256"] == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert "scikit-learn" in card["source"]
    pixels = arrays["x_train"].astype(np.float64) / 255
    assert card["mean"] == pytest.approx([pixels.mean()], abs=1e-6)
    assert card["std"] == pytest.approx([pixels.std()], abs=1e-6)


def test_the_classes_of_the_digits_have_equal_shares_in_both_parts(files):
    from sklearn.datasets import load_digits

    totals = np.bincount(load_digits().target)
    arrays, card = prepared(DIGITS, files)
    for part, images in (("train", 1437), ("test", 360)):
        counts = card["images_per_class"][part]
        assert counts == np.bincount(arrays[f"y_{part}"]).tolist()
        assert sum(counts) == images
        for count, total in zip(counts, totals, strict=True):
            assert abs(count - total * images / 1797) <= 1


def test_the_digits_are_scikit_learns_each_once(files):
    from sklearn.datasets import load_digits

    bunch = load_digits()
    expected = np.rint(bunch.images / 16 * 255).astype(np.uint8)
    arrays, _ = prepared(DIGITS, files)
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])[..., 0]
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    found = collections.Counter((image.tobytes(), label) for image, label in zip(images, labels, strict=True))
    wanted = collections.Counter((image.tobytes(), label) for image, label in zip(expected, bunch.target, strict=True))
    assert found == wanted
    assert images.max() == 255


def test_preparing_twice_gives_the_same_bytes(files, tmp_path):
    first = prepared(DIGITS, files)[1]
    again = tmp_path / "again.npz", tmp_path / "again.json"
    second = prepared(DIGITS, again)[1]
    assert files[0].read_bytes() == again[0].read_bytes()
    assert first == second


# ---- one's own file


def test_a_file_of_ones_own_is_packed_as_it_is(files, own):
    spec = own()
    arrays, card = prepared(spec, files)
    original = npz.read(spec.options["path"])
    for name in npz.ARRAYS:
        assert np.array_equal(arrays[name], original[name])
    assert card["source"] == spec.options["path"]
    assert card["class_names"] == ["0", "1", "2", "3"]
    assert card["images_per_class"] == {"train": [5, 5, 5, 5], "test": [3, 3, 2, 2]}
    pixels = original["x_train"].astype(np.float64) / 255
    assert card["mean"] == pytest.approx(pixels.mean((0, 1, 2)).tolist(), abs=1e-6)
    assert card["std"] == pytest.approx(pixels.std((0, 1, 2)).tolist(), abs=1e-6)


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_pixels_of_one_value_have_that_mean_and_no_spread(files, own, value):
    images = np.full((20, 8, 8, 1), value, np.uint8)
    card = prepared(own(x_train=images, x_test=images[:10]), files)[1]
    assert card["mean"] == pytest.approx([value / 255], abs=1e-6)
    assert card["std"] == pytest.approx([0], abs=1e-6)


def test_the_statistics_are_those_of_the_training_images_alone(files, own):
    black, white = np.zeros((20, 8, 8, 1), np.uint8), np.full((10, 8, 8, 1), 255, np.uint8)
    assert prepared(own(x_train=black, x_test=white), files)[1]["mean"] == [0.0]


def test_class_names_of_ones_own(files, own):
    card = prepared(own(options={"class_names": ["a", "b", "c", "d", "never seen"]}), files)[1]
    assert card["class_names"] == ["a", "b", "c", "d", "never seen"]
    assert card["images_per_class"]["train"] == [5, 5, 5, 5, 0]


def test_the_right_checksum_is_accepted(files, own):
    digest = sha256(own().options["path"])
    assert prepared(own(options={"sha256": digest}), files)[1]["images"]["train"] == 20


# ---- what is refused


def assert_refused(spec, files, *texts):
    with pytest.raises(DataError) as caught:
        prepare(spec, *files, "downloads")
    for text in texts:
        assert text in str(caught.value)
    assert not files[0].parent.exists() or not list(files[0].parent.iterdir())


def test_a_wrong_checksum_is_refused(files, own):
    spec = own(options={"sha256": "0" * 64})
    assert_refused(spec, files, spec.options["path"], sha256(spec.options["path"]), "0" * 64)


@pytest.mark.parametrize("checksum", [None, "0" * 64])
def test_a_missing_file_is_refused(files, tmp_path, checksum):
    spec = DataSpec("npz", None, {"path": str(tmp_path / "absent.npz"), "sha256": checksum})
    assert_refused(spec, files, "absent.npz", "no such file")


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(("label", "names"), [(-1, None), (-1, 5), (4, 4), (99, 4), (-(2**40), None)])
def test_labels_out_of_range_are_refused(files, own, part, label, names):
    labels = np.arange({"train": 20, "test": 10}[part]) % 4
    labels[3] = label
    options = {"class_names": [f"class {number}" for number in range(names)]} if names else {}
    spec = own(options=options, **{f"y_{part}": labels})
    assert_refused(spec, files, spec.options["path"], f"y_{part} holds labels from", str(label))


def test_a_label_that_only_the_test_images_have_is_refused(files, own):
    assert_refused(own(y_test=np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])), files, "y_test holds labels from 0 to 4")


@pytest.mark.parametrize("labels", [np.arange(20) % 4 + 1, np.arange(20) % 4 * 2, np.array([0, 2**40] * 10)])
def test_labels_with_gaps_need_class_names(files, own, labels):
    """No list as long as the highest label is made."""
    spec = own(y_train=labels)
    assert_refused(spec, files, spec.options["path"], f"from {labels.min()} to {labels.max()}", "class_names")


def test_labels_with_gaps_are_accepted_with_class_names(files, own):
    spec = own(None, {"class_names": ["a", "b", "c"]}, y_train=np.arange(20) % 2 * 2, y_test=np.arange(10) % 2 * 2)
    assert prepared(spec, files)[1]["images_per_class"] == {"train": [10, 0, 10], "test": [5, 0, 5]}


def test_a_single_class_is_refused(files, own):
    zeros = np.zeros(20, int)
    assert_refused(own(y_train=zeros, y_test=zeros[:10]), files, "one class only")


def test_images_that_are_no_bytes_are_refused(files, own):
    assert_refused(own(x_train=np.zeros((20, 8, 8, 3))), files, "x_train is float64")


def test_a_failure_leaves_the_older_files_as_they_were(files, own):
    prepared(own(), files)
    before = [file.read_bytes() for file in files]
    with pytest.raises(DataError):
        prepare(own(options={"class_names": ["a", "b"]}), *files, "downloads")
    assert [file.read_bytes() for file in files] == before


def test_a_card_that_cannot_be_written_leaves_no_data_behind(files, monkeypatch):
    """Both files or none, as the function promises."""

    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(module, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        prepare(DIGITS, *files, "downloads")
    assert not list(files[0].parent.iterdir())


# ---- image_size


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 16, 13])
def test_resizing_gives_square_images_of_the_size(files, own, size, channels):
    random = np.random.default_rng(2)
    images = random.integers(0, 256, (20, 12, 9, channels), dtype=np.uint8)
    arrays, card = prepared(own(size, x_train=images, x_test=images[:10]), files)
    assert arrays["x_train"].shape == (20, size, size, channels)
    assert arrays["x_test"].shape == (10, size, size, channels)
    assert arrays["x_train"].dtype == np.uint8
    assert card["image_shape"] == [size, size, channels]


@pytest.mark.parametrize("size", [8, 16, 32])
def test_resizing_keeps_a_constant_image(files, own, size):
    color = np.array([10, 128, 255], np.uint8)
    images = np.broadcast_to(color, (20, 16, 16, 3))
    arrays, card = prepared(own(size, x_train=images, x_test=images[:10]), files)
    assert (arrays["x_train"] == color).all()
    assert (arrays["x_test"] == color).all()
    assert card["mean"] == pytest.approx((color / 255).tolist(), abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_keeps_order_orientation_and_channels(files, own, channels):
    """The left half of image i is black, its right half has the value 10 i, in the last channel alone."""
    images = np.zeros((20, 16, 16, channels), np.uint8)
    images[:, :, 8:, -1] = 10 * np.arange(20)[:, None, None]
    arrays, _ = prepared(own(8, x_train=images, x_test=images[:10]), files)
    resized = arrays["x_train"]
    assert (resized[:, :, :3] == 0).all()
    assert (resized[:, :, 5:, -1] == 10 * np.arange(20)[:, None, None]).all()
    assert (resized[..., :-1] == 0).all()


def test_shrinking_averages(files, own):
    """A fine checkerboard becomes grey: without antialiasing it would stay black and white."""
    board = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    images = np.broadcast_to(board[..., None], (20, 32, 32, 1))
    arrays, _ = prepared(own(8, x_train=images, x_test=images[:10]), files)
    assert np.abs(arrays["x_train"].astype(int) - 127).max() <= 8


def test_without_a_size_images_stay_as_they_are(files):
    assert prepared(DIGITS, files)[1]["image_shape"] == [8, 8, 1]


# ---- any source


@pytest.fixture
def registered(monkeypatch):
    """Call it with arrays to have a source "fake" that loads them and says that it has 20 and 10 images of 8x8x3."""

    def register(arrays, **known) -> DataSpec:
        @dataclasses.dataclass(frozen=True)
        class Fake(source.Source):
            origin = "a fake"

            def known(self) -> source.Known:
                return source.Known(**({"images": {"train": 20, "test": 10}, "image_shape": (8, 8, 3)} | known))

            def load(self, downloads, mirrors=()):
                calls.append((downloads, mirrors))
                return arrays

        monkeypatch.setitem(source._REGISTERED, "fake", Fake)
        return DataSpec("fake", None, {})

    calls = register.calls = []
    return register


def test_a_source_is_given_the_folder_and_the_mirrors(registered, files):
    prepare(registered(regular(), class_names=("a", "b", "c", "d")), *files, "folder", ["http://mirror/"])
    assert registered.calls == [("folder", ["http://mirror/"])]
    card = Card.read(files[1])
    assert card.class_names == ("a", "b", "c", "d")
    assert card.source == "a fake"


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("count", [-1, 1])
def test_labels_that_are_not_one_for_each_image_are_refused(registered, files, part, count):
    arrays = regular()
    labels = np.arange(len(arrays[f"y_{part}"]) + count) % 4
    spec = registered(arrays | {f"y_{part}": labels})
    assert_refused(spec, files, "a fake", f"{len(labels)} labels for {len(labels) - count} images in {part}")


@pytest.mark.parametrize("arrays", [{"train": 19}, {"test": 11}, {"shape": (8, 8, 1)}, {"shape": (9, 8, 3)}])
def test_other_images_than_are_known_beforehand_are_refused(registered, files, arrays):
    """The config was checked against these."""
    assert_refused(registered(regular(**arrays)), files, "a fake", "should be")


def test_what_is_remarkable_is_said(registered, files):
    lines = []
    prepare(registered(regular(), remarks=("an odd thing",)), *files, "folder", log=lines.append)
    assert lines == ["note: an odd thing"]


def test_arrays_that_are_not_read_are_named(own, files):
    lines = []
    spec = own(names=np.array(["a", "b"]))
    prepare(spec, *files, "downloads", log=lines.append)
    assert lines == [f"note: {spec.options['path']}: not read: names"]


@pytest.mark.parametrize("high", [1, 16])
def test_pixels_on_another_scale_are_remarked_on(own, files, high):
    lines = []
    images = np.arange(20 * 64).reshape(20, 8, 8).astype(np.uint8) % (high + 1)
    prepare(own(x_train=images, x_test=images[:10]), *files, "downloads", log=lines.append)
    assert len(lines) == 1
    assert f"pixels of x_train go from 0 to {high} only, of 0 to 255" in lines[0]
