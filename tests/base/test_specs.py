import dataclasses
import json

import pytest

from cnntention.base import specs


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float
    steps: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner | None
    added_later: int = 3


PLAIN = {"name": "a", "inner": {"rate": 1.0, "steps": [2, 3]}}


def test_what_is_read_is_written_again():
    spec = specs.read(Outer, json.dumps(PLAIN))
    assert spec == Outer("a", Inner(1.0, (2, 3)))
    assert specs.plain(spec) == PLAIN
    assert specs.read(Outer, specs.canonical(spec)) == spec


def test_the_digest_is_of_the_content_and_not_of_its_order_or_form():
    other = {"inner": {"steps": (2, 3), "rate": 1}, "name": "a"}
    assert specs.digest(specs.read(Outer, other)) == specs.digest(specs.read(Outer, PLAIN))
    assert specs.digest(specs.read(Outer, PLAIN | {"name": "b"})) != specs.digest(specs.read(Outer, PLAIN))


def test_results_made_before_a_key_existed_keep_their_digest():
    @dataclasses.dataclass(frozen=True)
    class Newer(Outer):
        key: str = "as before"

    older = specs.read(Outer, PLAIN)
    assert specs.digest(specs.read(Newer, PLAIN)) == specs.digest(older)
    assert specs.digest(specs.read(Newer, PLAIN | {"key": "new"})) != specs.digest(older)


@pytest.mark.parametrize(
    "wrong",
    [{"inner": None}, PLAIN | {"nmae": "a"}, PLAIN | {"name": 1}, PLAIN | {"added_later": "3"},
     PLAIN | {"added_later": True}, PLAIN | {"inner": {"rate": "1"}}, PLAIN | {"inner": 1}, [], "{", None],
)  # fmt: skip
def test_what_is_no_such_spec_is_refused(wrong):
    with pytest.raises(ValueError, match=r"Outer|JSON|Expecting"):
        specs.read(Outer, wrong)
