"""Reading YAML: what stands in a file is what the study gets, or the line is named."""

import pytest
import yaml

from cnntention.base.errors import ConfigError
from cnntention.study.reading import read


@pytest.fixture
def file(tmp_path):
    """Writes a file and returns its path."""

    def write(content: str | bytes):
        path = tmp_path / "odd.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("seeds: [1]\nepochs: 3\nseeds: [2]\n", 3, "'seeds' stands here twice, before in line 1"),
        ("recipes: {he2015: {lr: 0.1, lr: 0.2}}", 1, "'lr' stands here twice"),
        ("a:\n- b: 1\n  'b': 2\n", 3, "'b' stands here twice, before in line 2"),
        ("a: &x {b: 1}\nc: {d: *x, e: {f: 1, f: 2}}", 2, "'f' stands here twice"),
        ("seeds:\n- 10\n- 010\n", 3, "YAML reads 010 as 8; write 8"),
        ("epochs: 0x20", 1, "YAML reads 0x20 as 32"),
        ("epochs: 0b11", 1, "YAML reads 0b11 as 3"),
        ("epochs: 1_82", 1, "YAML reads 1_82 as 182"),
        ("hours: 1:30", 1, "YAML reads 1:30 as 90"),
        ("hours: -1:30.5", 1, "YAML reads -1:30.5 as -90.5"),
        ("lr: 1_0.5", 1, "YAML reads 1_0.5 as 10.5"),
        ("010: x", 1, "YAML reads 010 as 8"),
    ],
)
def test_what_yaml_reads_otherwise_than_it_looks_is_refused_with_its_line(file, content, line, words):
    path = file(content)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "{a: 0, b: 10, c: -3, d: +5, e: 0.5, f: 1.0e-4, g: -.5, h: 1.}",
        "{a: '010', b: \"1:30\", c: 1e-4, d: 09, e: 1.2.3, f: 0.10, g: .inf, h: 2024-01-31}",
        "{a: yes, b: off, c: ~, d: null, e: True}",
        "{a: &x {b: 1}, c: {<<: *x, b: 2}, d: {<<: *x}}",
        "{a: {b: 1}, c: {b: 1}}",
        "\ufeffa: 1",
        "a: Größe\n",
    ],
)
def test_all_else_is_read_as_snakemake_reads_it(file, content):
    assert read(file(content)) == yaml.full_load(content)


def test_a_text_in_quotes_that_looks_like_another_number_stays_text(file):
    assert read(file("a: '010'")) == {"a": "010"}


@pytest.mark.parametrize(
    "content",
    [
        b"a: [1, 2",
        b"a: {b: 1",
        b"\tindented: with tab",
        b"a: b: c",
        b"\xff\xfe\x00",
        b"a: *unknown",
        b"!!python/x {}",
        b"? [1, 2]\n: 3",
        b"a: 1\n---\na: 2",
        b"a: !!int three",
        b"a: 2024-02-31",
        "a: Größe".encode("latin-1"),
    ],
)
def test_a_file_that_is_no_yaml_is_named(file, content):
    path = file(content)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: not valid YAML: ")


@pytest.mark.parametrize("text", ["", "# a comment only", "[1, 2]", "text", "3", "null"])
def test_a_file_that_is_no_map_is_named(file, text):
    with pytest.raises(ConfigError, match=r"odd\.yaml: a map of keys is expected"):
        read(file(text))


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: No such file"):
        read(tmp_path / "absent.yaml")


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_yaml_cannot_run_code(file, tmp_path):
    with pytest.raises(ConfigError):
        read(file(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/made']"))
    assert not (tmp_path / "made").exists()
