"""Class folders of pictures: what is found in them, how they are split, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnntention.base.errors import DataError
from cnntention.data import dataset, npz
from cnntention.data.card import Card
from cnntention.data.prepare import prepare
from cnntention.data.source import create
from cnntention.data.specs import DataSpec


def picture(path: Path, value: int = 0, size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    """Of one value, so that it is found again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size[::-1], value if mode == "L" else (value, value, 0)).save(path)


@pytest.fixture
def leaves(tmp_path) -> Path:
    """Ten grey pictures of each of two classes: oaks have values from 0, limes from 100."""
    for number in range(10):
        picture(tmp_path / "leaves" / "oak" / f"{number}.png", number)
        picture(tmp_path / "leaves" / "lime" / f"{number}.png", 100 + number)
    return tmp_path / "leaves"


@pytest.fixture
def in_folders(tmp_path) -> Path:
    """The same in folders: three, two and one of each class for training, tests and validation."""
    for part, numbers in (("train", (0, 1, 2)), ("test", (3, 4)), ("val", (5,))):
        for number in numbers:
            picture(tmp_path / "leaves" / part / "oak" / f"{number}.png", number)
            picture(tmp_path / "leaves" / part / "lime" / f"{number}.png", 100 + number)
    return tmp_path / "leaves"


def source(folder: Path, **options):
    return create("imagefolder", {"path": str(folder), **options})


def prepared(folder: Path, image_size: int | None = None, **options) -> tuple[dict[str, np.ndarray], Card]:
    out = folder.parent / "out"
    spec = DataSpec("imagefolder", image_size, {"path": str(folder), **options})
    card = prepare(spec, out / "leaves.npz", out / "leaves.json", "downloads", log=lambda line: None)
    return npz.read(out / "leaves.npz"), card


def values(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


# ---- a cut


def test_classes_channels_and_size_come_from_the_pictures(leaves):
    known = source(leaves).known()
    assert known.class_names == ("lime", "oak")
    assert known.image_shape == (8, 8, 1)
    assert known.images == {"train": 16, "test": 4}
    arrays, card = prepared(leaves)
    assert card.images_per_class == {"train": (8, 8), "test": (2, 2)}
    found = sorted(values(arrays["x_train"]) + values(arrays["x_test"]))
    assert found == [*range(10), *range(100, 110)]
    for part in ("train", "test"):
        assert [0 if value >= 100 else 1 for value in values(arrays[f"x_{part}"])] == arrays[f"y_{part}"].tolist()


def test_the_cut_is_the_same_each_time_and_hardly_moves_with_one_picture_more(leaves):
    tests = set(values(prepared(leaves)[0]["x_test"]))
    assert set(values(prepared(leaves)[0]["x_test"])) == tests
    picture(leaves / "oak" / "more.png", 99)
    assert len(set(values(prepared(leaves)[0]["x_test"])) ^ tests) <= 2


@pytest.mark.parametrize(("share", "tests"), [(0.5, 10), (0.01, 2), (0.9, 18)])
def test_the_share_of_the_tests_is_that_of_each_class(leaves, share, tests):
    assert prepared(leaves, test_share=share)[1].images_per_class["test"] == (tests // 2, tests // 2)


def test_hidden_files_are_passed_over(leaves):
    (leaves / ".DS_Store").write_text("x", encoding="utf-8")
    (leaves / "oak" / "._1.png").write_text("x", encoding="utf-8")
    assert source(leaves).known().images == {"train": 16, "test": 4}


def test_every_picture_is_an_input(leaves):
    """So that Snakemake sees a changed, a new and a missing one."""
    expected = {str(path) for path in leaves.rglob("*.png")}
    assert set(source(leaves).files) == expected
    assert set(source(f"{leaves}/").files) == expected


# ---- folders


def test_folders_say_what_is_for_training_and_what_for_the_tests(in_folders):
    arrays, card = prepared(in_folders)
    assert sorted(values(arrays["x_train"])) == [0, 1, 2, 5, 100, 101, 102, 105]
    assert sorted(values(arrays["x_test"])) == [3, 4, 103, 104]
    assert card.class_names == ("lime", "oak")


def test_the_pictures_in_val_are_those_that_split_tune_holds_out(in_folders):
    prepared(in_folders)
    out = in_folders.parent / "out"
    assert source(in_folders).known().validation == 2
    data = dataset.load(out / "leaves.npz", out / "leaves.json", validation_images=2)
    assert sorted(values(data.parts["validation"].images.numpy())) == [5, 105]
    assert sorted(values(data.parts["train"].images.numpy())) == [0, 1, 2, 100, 101, 102]
    labels = [0 if value >= 100 else 1 for value in values(data.parts["train"].images.numpy())]
    assert data.parts["train"].labels.tolist() == labels


# ---- channels and size


def test_grey_and_colour_together_are_colour(leaves):
    picture(leaves / "lime" / "0.png", 7, mode="RGB")  # the first of its class
    arrays, card = prepared(leaves)
    assert card.image_shape == (8, 8, 3)
    assert [7, 7, 0] in np.concatenate([arrays["x_train"], arrays["x_test"]])[:, 0, 0].tolist()


def test_colour_is_made_grey_where_the_config_says_so(leaves):
    picture(leaves / "lime" / "0.png", 100, mode="RGB")
    arrays, card = prepared(leaves, channels=1)
    assert card.image_shape == (8, 8, 1)
    assert 89 in values(arrays["x_train"]) + values(arrays["x_test"])  # 0.299 100 + 0.587 100


def test_pictures_of_all_sizes_are_resized(leaves):
    picture(leaves / "oak" / "0.png", 0, (30, 20))
    arrays, card = prepared(leaves, image_size=10)
    assert card.image_shape == (10, 10, 1)
    assert sorted(values(arrays["x_train"]) + values(arrays["x_test"])) == [*range(10), *range(100, 110)]


# ---- what is refused


def no_folder(folder: Path):
    return folder / "absent"


def a_file(folder: Path):
    return folder / "oak" / "0.png"


def empty_folder(folder: Path):
    (folder / "empty").mkdir()
    return folder / "empty"


def empty_class(folder: Path):
    (folder / "beech").mkdir()


def one_class(folder: Path):
    for path in (folder / "oak").iterdir():
        path.unlink()
    (folder / "oak").rmdir()


def one_picture(folder: Path):
    picture(folder / "beech" / "1.png")


def stray_picture(folder: Path):
    picture(folder / "1.png")


def other_file(folder: Path):
    (folder / "oak" / "notes.txt").write_text("x", encoding="utf-8")


def folder_in_class(folder: Path):
    picture(folder / "oak" / "old" / "1.png")


def braces(folder: Path):
    picture(folder / "oak" / "{1}.png")


def damaged(folder: Path):
    (folder / "oak" / "9.png").write_bytes(b"\x89PNG")


def other_size(folder: Path):
    picture(folder / "oak" / "5.png", size=(9, 8))


def too_small(folder: Path):
    picture(folder / "lime" / "0.png", size=(7, 8))


def late_colour(folder: Path):
    picture(folder / "oak" / "9.png", mode="RGB")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (no_folder, "absent: No such file"),
        (a_file, "0.png: Not a directory"),
        (empty_folder, "empty: holds no folders; there must be one for each class"),
        (empty_class, "leaves/beech: holds no pictures"),
        (one_class, "one class only, 'lime'"),
        (one_picture, "leaves/beech: too few pictures, 1, to train"),
        (stray_picture, "leaves: holds pictures beside folders"),
        (other_file, "leaves/oak/notes.txt: would not be used"),
        (folder_in_class, "leaves/oak/old: would not be used"),
        (braces, "rename it"),
        (damaged, "leaves/oak/9.png: not a whole PNG, JPEG or WebP picture"),
        (other_size, "leaves/oak/5.png: 9x8 pixels among pictures of 8x8; set image_size"),
        (too_small, "leaves/lime/0.png: 7x8, at least 8x8 pixels"),
        (late_colour, "leaves/oak/9.png: in colour, among grey pictures; set channels"),
    ],
)
def test_bad_folders_are_refused_in_one_line(leaves, spoil, text):
    folder = spoil(leaves) or leaves
    with pytest.raises(DataError) as caught:
        prepared(folder)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def no_tests(folder: Path):
    shutil.rmtree(folder / "test")


def other_part(folder: Path):
    picture(folder / "holdout" / "oak" / "1.png")


def class_of_the_tests_alone(folder: Path):
    picture(folder / "test" / "beech" / "1.png")


def class_without_tests(folder: Path):
    picture(folder / "train" / "beech" / "1.png")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (no_tests, "leaves: has a folder 'train'; train and test are needed"),
        (other_part, "leaves/holdout: is neither train, test nor val"),
        (class_of_the_tests_alone, "leaves/train: has no folder 'beech', which test has"),
        (class_without_tests, "leaves/test: has no folder 'beech', which train has"),
    ],
)
def test_bad_parts_are_refused_in_one_line(in_folders, spoil, text):
    spoil(in_folders)
    with pytest.raises(DataError, match=text):
        prepared(in_folders)


def test_a_share_besides_folders_is_refused(in_folders):
    with pytest.raises(DataError, match="leave test_share out"):
        source(in_folders, test_share=0.3).known()
