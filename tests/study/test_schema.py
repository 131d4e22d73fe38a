"""Messages on values that do not fit: what they tell a user to write is possible there."""

import re

import pytest
import yaml

from cnntention.study.schema import problems

WHOLE = {"type": "integer", "minimum": 0, "maximum": 100}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}


@pytest.mark.parametrize(
    ("schema", "text", "advised"),
    [
        (WHOLE, "10", 10),
        (WHOLE, "010", 10),
        (POSITIVE, "10", 10),
        (POSITIVE, "0.1", 0.1),
        (POSITIVE, "1e-4", 1e-4),
        (POSITIVE, "1e-05", 1e-5),
        (POSITIVE, "3E20", 3e20),
        ({"type": ["integer", "null"]}, "7", 7),
    ],
)
def test_a_number_that_became_a_text_is_shown_as_it_should_be_written(schema, text, advised):
    (line,) = problems(schema, text)
    written = re.search(r"write (\S+) \(", line)[1]
    value = yaml.safe_load(written)
    assert (value, type(value)) == (advised, type(advised))
    assert problems(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "text"),
    [(WHOLE, "10.5"), (WHOLE, "1e1"), (WHOLE, "-1"), (WHOLE, "101"), (POSITIVE, "-0.1"), (POSITIVE, "nan"),
     (POSITIVE, "inf"), (POSITIVE, "0,1"), ({"type": "boolean"}, "1")],
)  # fmt: skip
def test_nothing_is_advised_that_would_be_refused_next(schema, text):
    (line,) = problems(schema, text)
    assert "write" not in line


def test_what_is_possible_is_listed_as_yaml_takes_it():
    (line,) = problems({"enum": ["auto", "off", "10", False, None, 3]}, "on")
    offered = line.partition("one of ")[2].split(", ")
    assert [yaml.safe_load(entry) for entry in offered] == ["auto", "off", "10", False, None, 3]
