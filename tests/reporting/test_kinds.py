"""Kinds of tables and figures: a file each, and nothing else lists them."""

import pytest

from cnntention.base import specs
from cnntention.reporting.kinds import Kinds
from cnntention.study.schema import problems
from cnntention.study.study import Study

COUNT = """
import dataclasses

import pandas as pd

from cnntention.reporting import selection
from cnntention.reporting.table import Table
from cnntention.reporting.tables.kind import TableKind, TableSpec


@dataclasses.dataclass(frozen=True)
class CountSpec(TableSpec):
    least: int


class Count(TableKind[CountSpec]):
    spec_class = CountSpec
    required = ("models",)
    keys = {"models": {"type": "array"}, "least": {"type": "integer", "default": 1}}

    def runs(self, stanza, seeds):
        return selection.runs(stanza | {"datasets": ["mnist"], "split": "full"}, seeds)

    def check(self, key, stanza, config, given):
        if stanza["least"] > len(stanza["models"]):
            yield f"{key}.least: more than there are models"

    def details(self, stanza, study):
        return {"least": stanza["least"]}

    def build(self, spec, runs):
        frame = pd.DataFrame({"Runs": [str(len(runs))]})
        return Table(frame, frame, spec.caption, [], spec.name)

    def caption(self, spec):
        return spec.caption


KIND = Count()
"""


@pytest.fixture
def kinds(tmp_path, monkeypatch) -> Kinds:
    """The kinds of a folder with one file."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/__init__.py").touch()
    (tmp_path / "own/kind.py").touch()
    (tmp_path / "own/count.py").write_text(COUNT, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return Kinds("own", [str(tmp_path / "own")], {"caption": {"type": "string"}}, default="count")


def test_a_file_is_a_kind_with_its_keys_its_spec_and_its_code(kinds, config):
    assert kinds.names == ["count"]
    assert kinds.file("count") == "own/count.py"
    stanza = {"caption": "Runs", "models": ["mha"]}
    assert problems(kinds.schema(), stanza, "tables.t") == []
    assert stanza == {"kind": "count", "caption": "Runs", "models": ["mha"], "least": 1}
    spec = kinds["count"].spec("t", stanza, Study(config))
    assert (spec.name, spec.kind, spec.caption, spec.least) == ("t", "count", "Runs", 1)
    assert list(spec.runs) == [f"mnist/mha/full/seed{seed}" for seed in (10, 11, 12)]
    assert specs.read(type(spec), specs.canonical(spec)) == spec


@pytest.mark.parametrize(
    ("stanza", "message"),
    [
        ({"kind": "counts"}, "tables.t.kind: 'counts' is not possible; use one of count"),
        ({"models": ["mha"]}, "tables.t: 'caption' missing"),
        ({"caption": "Runs", "models": [], "leest": 1}, "tables.t: unknown key 'leest'; did you mean 'least'?"),
        ({"caption": "Runs", "models": [], "least": "1.5"}, "tables.t.least: a whole number is expected, not '1.5'"),
    ],
)
def test_a_stanza_that_does_not_fit_its_kind_gets_one_line(kinds, stanza, message):
    (line,) = problems(kinds.schema(), stanza, "tables.t")
    assert line.startswith(message)
