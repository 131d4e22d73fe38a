"""Files that are either whole or absent."""

import os
import stat

import pytest

from cnntention.base.files import atomic_path, sha256, write_text


def content(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "report.json"
    with atomic_path(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"
    assert content(tmp_path) == ["report.json"]


def test_the_old_file_stays_whole_until_the_block_ends(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    with atomic_path(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_an_exception_leaves_the_old_file_and_no_other(tmp_path, error, old):
    path = tmp_path / "report.json"
    if old:
        path.write_text(old, encoding="utf-8")

    def interrupted():
        with atomic_path(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        interrupted()
    assert content(tmp_path) == (["report.json"] if old else [])
    if old:
        assert path.read_text(encoding="utf-8") == old


def test_a_block_that_takes_its_file_away_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(FileNotFoundError), atomic_path(path) as temporary:
        temporary.unlink()
    assert path.read_text(encoding="utf-8") == "old"
    assert content(tmp_path) == ["report.json"]


def test_the_temporary_file_lies_beside_the_path_and_keeps_its_suffix(tmp_path):
    """Another file system would make the replacement a copy; numpy and matplotlib go by the suffix."""
    with atomic_path(tmp_path / "deep" / "er" / "data.npz") as temporary:
        assert temporary.parent == tmp_path / "deep" / "er"
        assert temporary.suffix == ".npz"
        assert temporary.name != "data.npz"
    assert content(tmp_path / "deep" / "er") == ["data.npz"]


def test_two_writers_of_one_path_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "report.json"
    with atomic_path(path) as one, atomic_path(path) as two:
        assert one != two
        one.write_text("one", encoding="utf-8")
        two.write_text("two", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "one"
    assert content(tmp_path) == ["report.json"]


def test_what_a_killed_process_left_of_the_same_file_is_removed(tmp_path):
    path, of_another = tmp_path / "report.json", tmp_path / ".reports.abcdefgh.json"
    of_another.write_text("another file's", encoding="utf-8")
    killed = atomic_path(path)  # kept, since the end of the generator would tidy up
    killed.__enter__().write_text("half", encoding="utf-8")
    assert len(content(tmp_path)) == 2
    write_text(path, "whole")
    assert content(tmp_path) == [of_another.name, "report.json"]
    assert path.read_text(encoding="utf-8") == "whole"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600), (0o000, 0o666)])
def test_permissions_follow_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "report.json", "text")
        after = os.umask(umask)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == mode
    assert after == umask


def test_text_is_written_in_utf8_and_folders_are_made(tmp_path):
    write_text(tmp_path / "a" / "table.md", "91.44 ± 0.21\n")
    assert (tmp_path / "a" / "table.md").read_bytes() == b"91.44 \xc2\xb1 0.21\n"


def test_a_path_may_be_text(tmp_path):
    write_text(str(tmp_path / "report.json"), "text")
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize(
    ("data", "digest"),
    # of FIPS 180-2, appendix B
    [
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
    ids=["abc", "empty", "a million a"],
)
def test_sha256_of_known_bytes(tmp_path, data, digest):
    (tmp_path / "file").write_bytes(data)
    assert sha256(tmp_path / "file") == digest


def test_sha256_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256(tmp_path / "absent")
