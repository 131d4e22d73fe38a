"""The spec of a run, as results hold it."""

import hashlib
import json
from pathlib import Path

import pytest
from conftest import ROOT
from run_specs import SELFATT, run_spec

from cnntention.base import specs
from cnntention.training.specs import EarlyStopping, RunSpec, is_of, read_spec

PUBLISHED = sorted(ROOT.glob("docs/**/eval.json"))


def test_there_are_published_results():
    assert len(PUBLISHED) >= 10


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: "/".join(path.parts[-5:-1]))
def test_published_results_keep_their_digest(path: Path):
    """As it was when their specs were written: of their JSON with sorted keys."""
    content = json.loads(path.read_text(encoding="utf-8"))["spec"]
    expected = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
    assert specs.digest(read_spec(content)) == expected
    assert is_of(expected, content)


def test_a_spec_reads_back_from_its_json():
    spec = run_spec({"early_stopping": EarlyStopping(3, 0.01), "milestones": (1, 2)}, attention=SELFATT)
    assert specs.read(RunSpec, specs.canonical(spec)) == spec


def test_the_keys_of_results_from_before_them_are_not_written():
    assert "widths" not in specs.plain(run_spec())
    assert specs.plain(run_spec(widths=(8, 16, 32)))["widths"] == [8, 16, 32]


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "text",
        {},
        specs.plain(run_spec(seed=11)),
        specs.plain(run_spec()) | {"of_a_later_version": 1},
        {key: value for key, value in specs.plain(run_spec()).items() if key != "depth"},
    ],
    ids=["null", "list", "text", "empty", "another seed", "unknown key", "key missing"],
)
def test_what_is_no_spec_or_another_is_not_of_this_one(content):
    assert not is_of(specs.digest(run_spec()), content)
