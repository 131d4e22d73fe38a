"""Datasets in one .npz: what is read, and what is refused before anything is made of it."""

import zipfile

import numpy as np
import pytest

from cnntention.base.errors import DataError
from cnntention.data import npz


def arrays(train=6, test=4, shape=(8, 9, 3)) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (train, *shape), dtype=np.uint8),
        "y_train": np.arange(train) % 3,
        "x_test": random.integers(0, 256, (test, *shape), dtype=np.uint8),
        "y_test": np.arange(test) % 3,
    }


@pytest.fixture
def save(tmp_path):
    """Call it with arrays that replace regular ones (None: left out); returns the file's path."""

    def saved(**changes):
        path = tmp_path / "own.npz"
        np.savez(path, **{name: array for name, array in (arrays() | changes).items() if array is not None})
        return path

    return saved


def both_refuse(path, text):
    """Both functions raise with the file's name and the text."""
    for function in (npz.shapes, npz.read):
        with pytest.raises(DataError) as caught:
            function(path)
        assert str(path) in str(caught.value)
        assert text in str(caught.value)


# ---- what is read


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 1), (8, 9, 3), (8, 8)])
def test_shapes_are_those_of_the_arrays(tmp_path, shape, write):
    write(tmp_path / "own.npz", **arrays(shape=shape))
    assert npz.shapes(tmp_path / "own.npz") == {
        "x_train": (6, *shape),
        "y_train": (6,),
        "x_test": (4, *shape),
        "y_test": (4,),
    }


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("shape", [(8, 9, 1), (8, 9, 3)])
def test_arrays_are_read_as_they_were_written(tmp_path, shape, write):
    written = arrays(shape=shape)
    write(tmp_path / "own.npz", **written)
    read = npz.read(tmp_path / "own.npz")
    assert read.keys() == written.keys()
    for name in written:
        assert np.array_equal(read[name], written[name])
        assert read[name].dtype == (np.uint8 if name.startswith("x") else np.int64)


def test_images_without_a_channel_get_one(save):
    gray = arrays(shape=(8, 9))
    read = npz.read(save(**gray))
    assert read["x_train"].shape == (6, 8, 9, 1)
    assert read["x_test"].shape == (4, 8, 9, 1)
    assert np.array_equal(read["x_train"][..., 0], gray["x_train"])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", ">i4", "uint16", "int64"])
def test_labels_of_every_integer_type_become_int64(save, dtype):
    read = npz.read(save(y_train=np.array([0, 1, 2, 0, 1, 2], dtype), y_test=np.array([2, 1, 0, 2], dtype)))
    assert read["y_train"].dtype == np.int64
    assert read["y_train"].tolist() == [0, 1, 2, 0, 1, 2]
    assert read["y_test"].tolist() == [2, 1, 0, 2]


def test_images_in_fortran_order_are_read_alike(save):
    images = arrays()["x_train"]
    assert np.array_equal(npz.read(save(x_train=np.asfortranarray(images)))["x_train"], images)


def test_headers_of_a_later_format_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        for name, array in arrays().items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, version=(2, 0))
    assert npz.shapes(tmp_path / "own.npz")["x_train"] == (6, 8, 9, 3)


def test_other_arrays_in_the_file_are_not_read_and_named(save):
    path = save(names=np.array(["a", "b"]), objects=np.array([{}], dtype=object))
    assert set(npz.read(path)) == {"x_train", "y_train", "x_test", "y_test"}
    assert sorted(npz.others(path)) == ["names", "objects"]
    assert npz.others(save()) == []


def test_shapes_look_at_headers_only(save):
    """Damage in the pixels is found when they are read."""
    images = np.full((100, 16, 16, 3), 77, np.uint8)
    path = save(x_train=images, y_train=np.zeros(100, int), x_test=images[:4])
    content = bytearray(path.read_bytes())
    place = content.index(bytes([77] * 500))
    content[place + 250] = 78
    path.write_bytes(content)
    assert npz.shapes(path)["x_train"] == (100, 16, 16, 3)
    with pytest.raises(DataError, match=r"own\.npz: damaged"):
        npz.read(path)


# ---- what is refused


def test_a_missing_file(tmp_path):
    both_refuse(tmp_path / "absent.npz", "no such file; put an .npz with x_train, y_train, x_test, y_test there")


def test_a_folder(tmp_path):
    both_refuse(tmp_path, "not a whole .npz file")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 but no more", b"<html>404</html>"])
def test_a_file_that_is_no_archive(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    both_refuse(tmp_path / "own.npz", "not a whole .npz file")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_a_truncated_file(tmp_path, write, share):
    path = tmp_path / "own.npz"
    write(path, **arrays())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    both_refuse(path, "not a whole .npz file")


def test_a_compressed_file_with_damaged_bytes_wherever_they_lie(tmp_path):
    """Bytes all over the pixels' stream in turn: the file is read as it was, or refused, and never ends in a traceback.

    zlib reports damage with an error of its own, where the checksum is not reached: while the header is read, or later.
    """
    path, whole = tmp_path / "own.npz", arrays(train=300, shape=(8, 8, 1))
    whole["x_train"] %= 16  # so that there is something to compress
    np.savez_compressed(path, **whole)
    content = path.read_bytes()
    start, end = content.index(b"x_train.npy"), content.index(b"y_train.npy")
    found = set()
    for place in [*range(start, start + 100), *range(start + 100, end, 53)]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            read = npz.read(path)
        except DataError as error:
            found.add(str(error).removeprefix(str(path)))
        else:
            assert all(np.array_equal(read[name], whole[name]) for name in whole)
    for function in ("not a whole .npz file", "damaged"):
        assert any(text.startswith(f": {function} (Error -3 while decompressing") for text in found), function
    assert any("CRC" in text for text in found)


def test_an_archive_with_text_in_place_of_an_array(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        for name in npz.ARRAYS:
            archive.writestr(f"{name}.npy", "text")
    both_refuse(tmp_path / "own.npz", "not a whole .npz file")


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1',", b"\x93NUMPY\x09\x00"]
)
def test_an_array_with_half_a_header(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        for name in npz.ARRAYS:
            archive.writestr(f"{name}.npy", content)
    both_refuse(tmp_path / "own.npz", "not a whole .npz file")


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_a_missing_array(save, name):
    both_refuse(save(**{name: None}), f"has no array '{name}'")


def test_where_an_array_is_missing_those_that_are_there_are_named(save):
    """Other collections name them otherwise."""
    both_refuse(save(x_train=None, train_images=arrays()["x_train"]), "there are y_train, x_test, y_test, train_images")


@pytest.mark.parametrize("name", ["x_val", "y_val", "x_validation", "X_valid", "val_images", "x_dev", "x_extra"])
def test_further_images_are_not_ignored_without_a_word(save, name):
    """Whoever brings validation images means them to be used."""
    both_refuse(save(**{name: arrays()["x_test"]}), f"holds {name}, which would not be used; validation images are cut")


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        import os

        return os.makedirs, (self.path, 0o777, True)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_pickled_objects_are_refused_and_never_run(save, tmp_path, name):
    count = len(arrays()[name])
    path = save(**{name: np.array([Trap(tmp_path / "sprung") for _ in range(count)], dtype=object)})
    both_refuse(path, "pickled objects, which are never read")
    assert not (tmp_path / "sprung").exists()
    with np.load(path, allow_pickle=True) as archive:  # the trap is a real one
        assert archive[name] is not None
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "int8", "uint16", "U1"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_images_of_another_type(save, part, dtype):
    name = f"x_{part}"
    both_refuse(
        save(**{name: arrays()[name].astype(dtype)}), f"{name} is {np.dtype(dtype)}, uint8 (0 to 255) is needed"
    )


@pytest.mark.parametrize(
    "shape", [(6,), (6, 72), (6, 8, 9, 2), (6, 8, 9, 4), (6, 8, 9, 0), (6, 3, 8, 9), (6, 1, 8, 9, 3), ()]
)
def test_images_of_another_shape(save, shape):
    both_refuse(save(x_train=np.zeros(shape, np.uint8)), f"x_train has shape {list(shape)}; [N, H, W]")


@pytest.mark.parametrize("dtype", ["float64", "bool", "U1"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_labels_of_another_type(save, part, dtype):
    name = f"y_{part}"
    both_refuse(save(**{name: arrays()[name].astype(dtype)}), f"{name} is {np.dtype(dtype)}, integer labels are needed")


@pytest.mark.parametrize(
    "labels", [np.zeros(5, int), np.zeros(7, int), np.zeros((6, 1), int), np.zeros((6, 3), int), np.int64(1)]
)
def test_labels_that_are_not_one_for_each_image(save, labels):
    both_refuse(save(y_train=labels), f"y_train has shape {list(labels.shape)} for 6 images")


@pytest.mark.parametrize("shape", [(7, 8, 3), (8, 7, 1), (4, 64)])
def test_images_too_small_for_the_network(save, shape):
    images = np.zeros((6, *shape), np.uint8)
    path = save(x_train=images, x_test=images[:4])
    both_refuse(path, f"images of x_train are {shape[0]}x{shape[1]}, at least 8x8 pixels are needed")


def test_no_image(save):
    both_refuse(save(x_test=np.zeros((0, 8, 9, 3), np.uint8), y_test=np.zeros(0, int)), "x_test is empty")
    both_refuse(save(x_train=np.zeros((0, 8, 9, 3), np.uint8), y_train=np.zeros(0, int)), "x_train is empty")


def test_images_without_pixels(save):
    both_refuse(save(x_train=np.zeros((6, 0, 9, 3), np.uint8)), "x_train is empty")


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 8, 3), (8, 9, 1), (8, 9)])
def test_training_and_test_images_of_different_shapes(save, shape):
    both_refuse(save(x_test=np.zeros((4, *shape), np.uint8)), "images of x_train and x_test differ in shape")


@pytest.mark.parametrize("part", ["train", "test"])
def test_pixels_that_are_no_numbers(save, part):
    """Floats are refused as such, and bytes hold no NaN."""
    images = arrays()[f"x_{part}"].astype("float32")
    images[0, 0] = np.nan
    both_refuse(save(**{f"x_{part}": images}), f"x_{part} is float32, uint8 (0 to 255) is needed")
