"""Tables of claims, from hand-made evaluations to verdicts."""

import io

import numpy as np
import pandas as pd
import pytest
from made import cells, evaluation

from cnntention.base import specs
from cnntention.reporting.runs import NAMES, NEEDED
from cnntention.reporting.tables.claims import KIND, ClaimsSpec

build = KIND.build

RIGHT = np.arange(100) < 90


def claim(**changes) -> dict:
    """That the attention model has the higher accuracy."""
    return {
        "name": "01",
        "claim": "Attention helps",
        "source": "Table 3",
        "measure": "accuracy",
        "dataset": {"name": "cifar10", "label": "CIFAR-10"},
        "split": "full",
        "model": {"name": "att", "label": "Attention"},
        "than": {"name": "base", "label": "Baseline"},
        "epochs": None,
        "within": None,
        "published": [91.5, 91.0],
        "trained": 182,
        "schedule": 182,
    } | changes


def spec(*claims, seeds=(10, 11, 12)) -> ClaimsSpec:
    content = {"name": "claims", "kind": "claims", "caption": "Claims", "runs": {}, "seeds": seeds}
    return specs.read(ClaimsSpec, content | {"claims": claims})


def run(model, seed, accuracy, split="full", **changes) -> dict:
    return evaluation(model, seed, accuracy, split=split, errors=[50, 40, 30], right=RIGHT) | changes


def frame(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*NAMES, *NEEDED, "errors", "right"])


def runs(base, att) -> pd.DataFrame:
    sides = (("base", base), ("att", att))
    return frame(*(run(model, seed, value) for model, side in sides for seed, value in enumerate(side, 10)))


def verdict(made: pd.DataFrame, **changes) -> str:
    (row,) = cells(build(spec(claim(**changes)), made))
    return row["Verdict"]


def test_the_cells_of_a_claim_with_three_seeds():
    """Differences 2, 1, 2: mean 1.667 +- 4.3027 sqrt(1/3) / sqrt(3) = 1.434."""
    assert cells(build(spec(claim()), runs((90, 91, 92), (92, 92, 94)))) == [
        {
            "Claim": "Attention helps",
            "Where": "Table 3",
            "Here": "Attention 92.67%, Baseline 91.00%",
            "Difference [95%]": "+1.67 [+0.23, +3.10]",
            "Claimed": "+0.50",
            "Seeds": "3",
            "Images": "10,000",
            "Verdict": "reproduced",
        }
    ]


@pytest.mark.parametrize(
    ("base", "att", "expected"),
    [
        ((90, 91, 92), (88, 90, 90), "contradicted"),
        ((90, 91, 92), (91, 89, 93), "not reproduced: no difference shown"),
        ((90, 91, 92), (91, 92, 93), "the same difference with each seed: no spread to judge by"),
        ((90,), (95,), "not testable with one seed"),
        ((), (95, 95), "not run yet"),
        ((), (), "not run yet"),
    ],
)
def test_verdicts(base, att, expected):
    assert verdict(runs(base, att)) == expected


def test_runs_of_another_split_or_dataset_do_not_count():
    rows = [run(model, 10, 90, split="tune") for model in ("base", "att")]
    rows += [run(model, 10, 90, dataset="mnist") for model in ("base", "att")]
    assert verdict(frame(*rows)) == "not run yet"


def test_a_short_schedule_is_part_of_the_verdict():
    made = runs((90, 91, 92), (92, 92, 94))
    assert verdict(made, trained=3) == "reproduced, after 3 of 182 epochs"
    assert verdict(runs((90,), (92,)), trained=3) == "not testable with one seed, after 3 of 182 epochs"


def test_less_error_in_the_first_epochs_is_ahead():
    """Means over two epochs: 45 for the baseline, and 40, 39, 41 for attention."""
    sides = {"base": ([50, 40, 1],) * 3, "att": ([45, 35, 99], [44, 34, 99], [46, 36, 99])}
    made = frame(
        *(run(model, 10 + i, 90, errors=errors) for model, side in sides.items() for i, errors in enumerate(side))
    )
    (row,) = cells(build(spec(claim(measure="early_error", epochs=2, published=None)), made))
    assert row["Here"] == "Attention 40.00%, Baseline 45.00%"
    assert row["Difference [95%]"] == "-5.00 [-7.48, -2.52]"
    assert row["Claimed"] == "–"
    assert row["Verdict"] == "reproduced, over the first 2 epochs"
    swapped = {"model": {"name": "base", "label": "B"}, "than": {"name": "att", "label": "A"}}
    assert verdict(made, measure="early_error", epochs=2, **swapped) == "contradicted, over the first 2 epochs"
    assert verdict(made, measure="early_error", epochs=1, trained=3) == "reproduced, over the first epoch"


@pytest.mark.parametrize(
    ("measure", "here", "difference", "claimed", "expected"),
    [
        ("parameters", "Attention 1,727,962, Baseline 272,474", "+1,455,488", "-100", "not reproduced"),
        ("multiply_adds", "Attention 40.8 M, Baseline 81.6 M", "-50.0%", "-50.0%", "reproduced"),
        ("seconds", "Attention 1.0 h, Baseline 4.0 h", "-75%", "-50%", "reproduced"),
    ],
)
def test_what_does_not_vary_with_the_seed_needs_no_interval(measure, here, difference, claimed, expected):
    made = frame(
        run("att", 10, 90, seconds=3600.0, multiply_adds=40_800_000),
        run("base", 10, 90, seconds=4 * 3600.0, multiply_adds=81_600_000),
    )
    (row,) = cells(build(spec(claim(measure=measure, published=[100, 200]), seeds=(10,)), made))
    assert row["Here"] == here
    assert row["Difference [95%]"] == difference
    assert row["Claimed"] == claimed
    assert row["Verdict"] == expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (4.0, "reproduced"),
        (2.0, "not reproduced: the interval is too wide to tell"),
        (0.2, "contradicted"),
    ],
)
def test_a_claim_of_similarity_asks_for_the_whole_interval(within, expected):
    """The interval is 0.23 to 3.10."""
    made = runs((90, 91, 92), (92, 92, 94))
    assert verdict(made, within=within) == expected
    swapped = {"model": {"name": "base", "label": "B"}, "than": {"name": "att", "label": "A"}}
    assert verdict(made, within=within, **swapped) == expected


def test_with_one_seed_the_interval_is_over_images_and_says_so():
    """Attention is right on 10 more of 100: (10.5 - 0.5) / 102 +- 1.96 sqrt(11 / 102 - 0.0980^2) / sqrt(102)."""
    made = frame(run("base", 10, 80, right=np.arange(100) < 80, n=100), run("att", 10, 90, n=100))
    table = build(spec(claim(), seeds=(10,)), made)
    (row,) = cells(table)
    assert row["Difference [95%]"] == "+10.00 [+3.72, +15.89]"
    assert "these two networks" in " ".join(table.notes)
    several = build(spec(claim()), runs((90, 91, 92), (92, 92, 94)))
    assert "these two networks" not in " ".join(several.notes)


def test_seeds_that_both_have_count():
    made = frame(run("base", 10, 90), run("base", 11, 91), run("att", 11, 92), run("att", 12, 99))
    (row,) = cells(build(spec(claim()), made))
    assert row["Seeds"] == "1 of 3, incomplete"
    assert row["Here"] == "Attention 92.00%, Baseline 91.00%"


def test_the_numbers_of_the_csv():
    table = build(
        spec(claim(), claim(name="02", dataset={"name": "mnist", "label": "MNIST"})), runs((90, 91), (92, 92))
    )
    first, second = pd.read_csv(io.StringIO(table.csv())).to_dict("records")
    assert (first["claim"], first["model_value"], first["than_value"]) == (1, 92, 90.5)
    assert (first["difference"], first["claimed"], first["seeds"]) == (1.5, 0.5, 2)
    assert pd.isna(second["difference"])
    assert pd.isna(second["images"])
