"""How near a control is to what it stands for, on sizes counted by hand."""

import math

import pytest
from made import accuracy_spec, evaluation, frame

from cnntention.reporting.controls import nearness, of_models
from cnntention.reporting.selection import Labelled
from cnntention.reporting.tables.accuracy import KIND

MODELS = [Labelled("att", "Attention"), Labelled("wide", "Wide"), Labelled("deep", "Deep")]
ROWS = [
    {"model": "att", "parameters": 1000, "multiply_adds": 2000},
    {"model": "wide", "parameters": 1001, "multiply_adds": 1000},
    {"model": "deep", "parameters": 2000, "multiply_adds": 4000},
]


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ("wide", "Wide for Attention: parameters +0.1%, multiply-adds -50.0%."),
        ("deep", "Deep for Attention: parameters +100.0%, multiply-adds +100.0%, near in neither."),
    ],
)
def test_a_note_says_how_much_larger_a_control_is(control, said):
    (note,) = nearness(MODELS, {control: ["att"]}, ROWS)
    assert note.endswith(said)


def test_what_has_not_run_has_no_size():
    rows = [ROWS[0], ROWS[1] | {"parameters": math.nan, "multiply_adds": math.nan}]
    assert nearness(MODELS, {"wide": ["att"]}, rows) == []


def test_a_control_counts_where_both_are_shown():
    config = {"models": {"a": {"stands_for": []}, "b": {"stands_for": ["a", "c"]}, "c": {"stands_for": []}}}
    assert of_models(["a", "b"], config) == {"b": ["a"]}
    assert of_models(["b"], config) == {}


def test_a_table_of_accuracy_has_the_note():
    rows = [evaluation("base", 10, 90, parameters=100), evaluation("att", 10, 91, parameters=104)]
    notes = KIND.build(accuracy_spec(seeds=[10], stands_for={"att": ["base"]}), frame(*rows)).notes
    assert any("Attention for Baseline: parameters +4.0%, multiply-adds +0.0%." in note for note in notes)
