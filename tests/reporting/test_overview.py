"""The overview, from hand-made evaluations to its words and verdicts."""

import pytest
from made import MODELS, cells, evaluation, frame, runs
from made import accuracy_spec as spec

from cnntention.reporting import overview
from cnntention.reporting.overview import OverviewSpec
from cnntention.reporting.tables.accuracy import KIND, AccuracySpec


def whole(*tables: AccuracySpec) -> OverviewSpec:
    """The spec of an overview."""
    return OverviewSpec(8, 0, ("CIFAR-10",), ("Attention, gated", "Baseline"), (10, 11, 12), tables)


# ---- verdicts


def test_each_model_is_judged_beside_the_reference_and_the_reference_is_not():
    """Differences 2, 1, 2 with 95% interval [0.23, 3.10]; the paper's: 93.0 - 90.96."""
    assert overview.verdicts(spec(), frame(*runs())).to_dict("records") == [
        {
            "Dataset": "CIFAR-10",
            "Model": "Attention",
            "Test accuracy (%)": "92.67 ± 1.15",
            "Δ to Baseline": "+1.67 [+0.23, +3.10]",
            "Paper's Δ": "+2.04",
            "Shared seeds": "3",
            "Verdict": "better",
        }
    ]


@pytest.mark.parametrize(
    ("base", "att", "seeds", "words"),
    [
        ((92, 92, 94), (90, 91, 92), "3", "worse"),
        ((90, 91, 92), (91, 90, 92), "3", "inconclusive (5 seeds needed)"),
        ((90, None, None), (99, 99, None), "1", "one seed"),
        ((90, None, None), (None, 99, 99), "0", "not run yet"),
        ((90, 91, 92), (None, None, None), "0", "not run yet"),
    ],
)
def test_a_verdict_rests_on_the_seeds_that_are_shared(base, att, seeds, words):
    """Of the paper's 2.04 points with a spread of 1, statsmodels has 4.15 for the seeds needed."""
    (row,) = overview.verdicts(spec(), frame(*runs(base, att))).to_dict("records")
    assert (row["Shared seeds"], row["Verdict"]) == (seeds, words)


def test_the_difference_is_the_one_of_the_table():
    (row,) = overview.verdicts(spec(), frame(*runs())).to_dict("records")
    assert row["Δ to Baseline"] == cells(KIND.build(spec(), frame(*runs())))[1]["Δ to Baseline"]


@pytest.mark.parametrize("published", [{}, {"cifar10": {"att": {"accuracy": 93.0}}}])
def test_without_a_number_for_both_the_paper_has_no_difference(published):
    shown = overview.verdicts(spec(published=published), frame(*runs()))
    assert "Paper's Δ" not in shown.columns


# ---- what was run


def test_what_was_run_and_on_what():
    found = overview.what_was_run(whole(spec()), [frame(*runs())])
    assert found == {
        "Datasets": "CIFAR-10",
        "Models": "Attention, gated · Baseline",
        "Seeds": "10, 11, 12",
        "Trainings": "8",
        "Evaluated": "6 runs, those of the tables; of these:",
        "Epochs": "182",
        "Time of training": "15.0 h in all",
        "Devices": "CPU (x86_64, 2 threads)",
        "Precision": "fp32",
        "Versions": "python 3.11.2, torch 2.15.0",
    }


def test_whatever_differs_between_runs_is_listed():
    other = {"device": "GPU", "precision": "bf16", "epochs": 20, "versions": {"training": {"torch": "2.11.0"}}}
    found = overview.what_was_run(
        whole(spec()), [frame(evaluation("base", 10, 90), evaluation("att", 10, 90, **other))]
    )
    assert found["Devices"] == "CPU (x86_64, 2 threads) · GPU"
    assert found["Precision"] == "bf16 · fp32"
    assert found["Epochs"] == "20, 182"
    assert found["Versions"] == "python 3.11.2, torch 2.15.0 · torch 2.11.0"


def test_a_run_of_two_tables_is_counted_once_and_one_of_each_split_twice():
    same, other = (frame(evaluation("base", 10, 90, split=split)) for split in ("full", "tune"))
    assert overview.what_was_run(whole(spec(), spec()), [same, same])["Time of training"] == "2.5 h in all"
    assert overview.what_was_run(whole(spec(), spec(split="tune")), [same, other])["Time of training"] == "5.0 h in all"


@pytest.mark.parametrize("tables", [[], [spec()]])
def test_before_anything_is_evaluated_there_is_only_what_was_asked_for(tables):
    found = overview.what_was_run(whole(*tables), [frame() for _ in tables])
    assert list(found) == ["Datasets", "Models", "Seeds", "Trainings", "Evaluated"]
    assert (found["Trainings"], found["Evaluated"]) == ("8", "0 runs, those of the tables")


# ---- the page


def test_the_page_says_how_many_comparisons_it_makes():
    text = overview.build(whole(spec(), spec(caption="Again")), [frame(*runs()), frame(*runs())])
    assert text.index("What was run") < text.index("Verdicts: Test accuracy") < text.index("Verdicts: Again")
    assert text.count("<td>better") == 2
    assert "this page makes 2 comparisons." in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize("change", [{"reference": None}, {"models": MODELS[:1]}])
def test_a_table_without_anything_to_compare_has_no_verdicts(change):
    text = overview.build(whole(spec(**change)), [frame(*runs())])
    assert "Verdicts" not in text
    assert "95%" not in text


def test_a_study_without_tables_has_an_overview():
    assert "<td>8</td>" in overview.build(whole(), [])
