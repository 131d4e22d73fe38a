"""Published folders are replaced as a whole or not at all."""

import pytest

from docs.replacing import replaced


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "old").write_text("old", encoding="utf-8")
    return folder


def test_the_new_folder_takes_the_old_ones_place(folder):
    with replaced(folder) as made:
        (made / "new").write_text("new", encoding="utf-8")
        assert (folder / "old").is_file()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(folder.parent.iterdir()) == [folder]


def test_there_need_not_be_an_old_one(tmp_path):
    with replaced(tmp_path / "a/b") as made:
        (made / "new").write_text("new", encoding="utf-8")
    assert (tmp_path / "a/b/new").is_file()


def test_what_is_interrupted_leaves_the_old_one(folder):
    def interrupted():
        with replaced(folder) as made:
            (made / "new").write_text("new", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert list(folder.parent.iterdir()) == [folder]


def test_where_the_new_one_cannot_be_put_the_old_one_comes_back(folder):
    with pytest.raises(FileNotFoundError), replaced(folder) as made:
        made.rmdir()
    assert [path.name for path in folder.iterdir()] == ["old"]
