"""Loading prepared data, and the cut between training and validation images."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from cnntention.base.errors import DataError
from cnntention.data import dataset
from cnntention.data.prepare import prepare
from cnntention.data.specs import DataSpec


def separable(
    train: int = 60, test: int = 30, classes: int = 3, channels: int = 1, size: int = 8, seed: int = 0
) -> dict[str, np.ndarray]:
    """Noisy images, linearly separable: class k is bright in the k-th of as many bands of rows."""
    random = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        labels = random.permutation(np.arange(count) % classes)
        images = random.integers(0, 80, (count, size, size, channels))
        band = size // classes
        for image, label in zip(images, labels, strict=True):
            image[label * band : (label + 1) * band] += 150
        arrays |= {f"x_{part}": images.astype(np.uint8), f"y_{part}": labels}
    return arrays


def write_prepared(folder: Path, arrays: dict[str, np.ndarray]) -> tuple[Path, Path]:
    """Prepared data and their card, made from arrays as from a user's .npz."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "source.npz", **arrays)
    data_path, card_path = folder / "data.npz", folder / "card.json"
    prepare(DataSpec("npz", None, {"path": str(folder / "source.npz")}), data_path, card_path, folder)
    return data_path, card_path


@pytest.fixture
def numbered(tmp_path) -> tuple[Path, Path]:
    """100 training images, filled with 0 to 99, and 20 test images, with 100 to 119; labels are the last two digits."""
    arrays = {}
    for part, start, count in (("train", 0, 100), ("test", 100, 20)):
        values = np.arange(start, start + count)
        images = np.full((count, 8, 8), values[:, None, None], dtype=np.uint8)
        arrays |= {f"x_{part}": images, f"y_{part}": values % 100}
    return write_prepared(tmp_path / "numbered", arrays)


def numbers(part: dataset.Part) -> list[int]:
    return part.images[:, 0, 0, 0].tolist()


def test_parts_hold_the_prepared_arrays(tmp_path):
    arrays = separable(channels=3, classes=4)
    paths = write_prepared(tmp_path, arrays)
    data = dataset.load(*paths)
    assert set(data.parts) == {"train", "test"}
    for name, part in data.parts.items():
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert len(part) == len(arrays[f"y_{name}"])
        np.testing.assert_array_equal(part.images.numpy(), arrays[f"x_{name}"])
        np.testing.assert_array_equal(part.labels.numpy(), arrays[f"y_{name}"])
    assert data.class_names == ["0", "1", "2", "3"]
    assert data.image_shape == (8, 8, 3)
    assert data.in_channels == 3
    assert data.sha256 == json.loads(paths[1].read_text(encoding="utf-8"))["sha256"]


def test_gray_images_without_a_channel_axis_get_one(numbered):
    data = dataset.load(*numbered)
    assert data.image_shape == (8, 8, 1)
    assert data.parts["train"].images.shape == (100, 8, 8, 1)


@pytest.mark.parametrize("held_out", [1, 30, 99])
def test_validation_images_are_cut_from_the_training_images(numbered, held_out):
    data = dataset.load(*numbered, validation_images=held_out)
    train, validation = numbers(data.parts["train"]), numbers(data.parts["validation"])
    assert len(validation) == held_out
    assert set(train).isdisjoint(validation)
    assert sorted(train + validation) == list(range(100))
    assert numbers(data.parts["test"]) == list(range(100, 120))


def test_labels_go_with_their_images(numbered):
    for part in dataset.load(*numbered, validation_images=30).parts.values():
        assert [number % 100 for number in numbers(part)] == part.labels.tolist()


def test_validation_images_are_a_random_choice(numbered):
    """Neither the first nor the last: 30 of 100 images come from all quarters."""
    validation = numbers(dataset.load(*numbered, validation_images=30).parts["validation"])
    assert {number // 25 for number in validation} == {0, 1, 2, 3}


def test_the_cut_is_that_of_published_results(numbered):
    """Another would be as good, but results of both could not be compared."""
    validation = numbers(dataset.load(*numbered, validation_images=10).parts["validation"])
    assert validation == [5, 16, 20, 36, 52, 72, 82, 90, 93, 94]


def test_the_cut_is_the_same_for_every_call_whatever_the_global_seeds(numbered):
    cuts = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)
        cuts.append(dataset.load(*numbered, validation_images=30))
    for name in ("train", "validation", "test"):
        assert torch.equal(cuts[0].parts[name].images, cuts[1].parts[name].images)
        assert torch.equal(cuts[0].parts[name].labels, cuts[1].parts[name].labels)


def test_loading_leaves_global_generators_alone(numbered):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    dataset.load(*numbered, validation_images=30)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("held_out", [100, 101])
def test_at_least_one_image_must_be_left_to_train_on(numbered, held_out):
    with pytest.raises(DataError, match=rf"validation_images.*{held_out} of 100"):
        dataset.load(*numbered, validation_images=held_out)


def test_data_that_do_not_match_the_checksum_are_refused(numbered):
    data_path, card_path = numbered
    content = bytearray(data_path.read_bytes())
    content[len(content) // 2] ^= 1
    data_path.write_bytes(content)
    with pytest.raises(DataError, match="SHA-256") as caught:
        dataset.load(data_path, card_path)
    assert str(data_path) in str(caught.value)


def test_data_beside_the_card_of_other_data_are_refused(numbered, tmp_path):
    other = write_prepared(tmp_path / "other", separable())
    with pytest.raises(DataError, match="SHA-256"):
        dataset.load(numbered[0], other[1])


@pytest.mark.parametrize("missing", [0, 1])
def test_missing_files_are_named(numbered, missing):
    numbered[missing].unlink()
    with pytest.raises(DataError) as caught:
        dataset.load(*numbered)
    assert str(numbered[missing]) in str(caught.value)


@pytest.mark.parametrize("text", ["", "no json", "{}", "[]", "null", "\xff"])
def test_a_card_that_is_none_is_refused_by_name(numbered, text):
    numbered[1].write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError) as caught:
        dataset.load(*numbered)
    assert str(numbered[1]) in str(caught.value)


@pytest.mark.parametrize("key", ["sha256", "class_names", "image_shape", "digest"])
def test_a_card_without_what_is_needed_is_refused_by_name(numbered, key):
    card = json.loads(numbered[1].read_text(encoding="utf-8"))
    del card[key]
    numbered[1].write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(DataError, match=key) as caught:
        dataset.load(*numbered)
    assert str(numbered[1]) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("class_names", [str(99 - label) for label in range(100)]),
        ("class_names", ["0", "1"]),
        ("image_shape", [8, 8, 3]),
        ("mean", [0.5]),
        ("images", {"train": 99, "test": 21}),
        ("source", "elsewhere"),
    ],
)
def test_a_card_edited_by_hand_is_refused_by_name(numbered, key, value):
    card = json.loads(numbered[1].read_text(encoding="utf-8"))
    numbered[1].write_text(json.dumps(card | {key: value}), encoding="utf-8")
    with pytest.raises(DataError, match="changed since it was written") as caught:
        dataset.load(*numbered)
    assert str(numbered[1]) in str(caught.value)


def test_a_card_laid_out_otherwise_is_the_same_card(numbered):
    card = json.loads(numbered[1].read_text(encoding="utf-8"))
    numbered[1].write_text(json.dumps(dict(reversed(card.items()))), encoding="utf-8")
    assert dataset.load(*numbered).image_shape == (8, 8, 1)
