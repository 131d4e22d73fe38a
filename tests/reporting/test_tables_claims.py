"""Tables of claims, from hand-made evaluations to verdicts."""

import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from made import cells, evaluation
from statsmodels.stats.power import TTestPower

from cnntention.base import specs
from cnntention.base.errors import StatisticsError
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
    """Differences 2, 1, 2: mean 1.667 +- 4.3027 sqrt(1/3) / sqrt(3) = 1.434; t = 5, of which p is 0.038.

    By statsmodels, power of 0.5 / sqrt(1/3) with three pairs is 0.149; 12.52 are needed, and 3.22 for 1.667.
    """
    assert cells(build(spec(claim()), runs((90, 91, 92), (92, 92, 94)))) == [
        {
            "Claim": "Attention helps",
            "Where": "Table 3",
            "Here": "Attention 92.67%, Baseline 91.00%",
            "Difference [95%]": "+1.67 [+0.23, +3.10]",
            "Claimed": "+0.50",
            "Seeds": "3",
            "Images": "10,000",
            "p": "0.038",
            "Power": "15%",
            "Seeds needed": "claimed: 13; found: 4",
            "Verdict": "verified",
        }
    ]


@pytest.mark.parametrize(
    ("base", "att", "expected"),
    [
        ((90, 91, 92), (88, 90, 90), "contradicted"),
        ((90, 91, 92), (91, 89, 93), "inconclusive (97 seeds needed)"),
        ((90, 91, 92), (91, 92, 93), "not testable here: the same difference with each seed"),
        ((), (95, 95), "not testable here: not run yet"),
        ((), (), "not testable here: not run yet"),
    ],
)
def test_verdicts(base, att, expected):
    """Of 0.5 points with a spread of sqrt(3), statsmodels has 96.15 for the seeds needed."""
    assert verdict(runs(base, att)) == expected


def test_other_claims_of_the_table_count():
    """p = 0.038 alone; beside two more tests a claim has to be clearer, and more seeds are needed."""
    made = runs((90, 91, 92), (92, 92, 94))
    table = build(spec(*(claim(name=f"0{number}") for number in range(3))), made)
    assert {row["p"] for row in cells(table)} == {"0.113"}
    (needed,) = {row["seeds_for_claimed"] for row in table.data.to_dict("records")}
    exact = TTestPower().solve_power(0.5 / math.sqrt(1 / 3), power=0.8, alpha=0.05 / 3)
    assert needed == math.ceil(exact)
    assert {row["Verdict"] for row in cells(table)} == {f"inconclusive ({needed} seeds needed)"}
    # what cannot be tested costs the others nothing
    untested = claim(name="09", dataset={"name": "mnist", "label": "MNIST"})
    assert cells(build(spec(claim(), untested, claim(name="10", measure="seconds")), made))[0]["Verdict"] == "verified"


def test_without_spread_or_seeds_there_are_no_columns_of_tests():
    table = build(spec(claim()), runs((90,), (95,)))
    assert not {"p", "Power", "Seeds needed"} & set(table.shown.columns)


def test_runs_of_another_split_or_dataset_do_not_count():
    rows = [run(model, 10, 90, split="tune") for model in ("base", "att")]
    rows += [run(model, 10, 90, dataset="mnist") for model in ("base", "att")]
    assert verdict(frame(*rows)) == "not testable here: not run yet"


def test_a_short_schedule_is_part_of_the_verdict():
    made = runs((90, 91, 92), (92, 92, 94))
    assert verdict(made, trained=3) == "verified, after 3 of 182 epochs"
    short = verdict(runs((90,), (92,)), trained=3)
    assert short == "not testable here: one seed (McNemar: p = 1.000), after 3 of 182 epochs"


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
    assert row["Verdict"] == "verified, over the first 2 epochs"
    swapped = {"model": {"name": "base", "label": "B"}, "than": {"name": "att", "label": "A"}}
    assert verdict(made, measure="early_error", epochs=2, **swapped) == "contradicted, over the first 2 epochs"
    assert verdict(made, measure="early_error", epochs=1, trained=3) == "verified, over the first epoch"
    assert verdict(made, measure="early_error", epochs=10, trained=2).endswith("over the first 2 epochs")


@pytest.mark.parametrize(
    ("measure", "here", "difference", "claimed", "expected"),
    [
        ("parameters", "Attention 1,727,962, Baseline 272,474", "+1,455,488", "-100", "contradicted"),
        ("multiply_adds", "Attention 40.8 M, Baseline 81.6 M", "-50.0%", "-50.0%", "verified"),
        ("seconds", "Attention 1.0 h, Baseline 4.0 h", "-75%", "-50%", "verified"),
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


@pytest.mark.parametrize(("within", "expected"), [(2.7, "verified"), (2.6, "inconclusive"), (0.2, "contradicted")])
def test_a_claim_of_similarity_asks_for_the_whole_interval_of_90_percent(within, expected):
    """1.667 +- 2.920 / 3 is 0.693 to 2.640."""
    made = runs((90, 91, 92), (92, 92, 94))
    (row,) = cells(build(spec(claim(within=within)), made))
    assert row["Verdict"].partition(" (")[0] == expected
    assert row["Difference [95%]"] == "+1.67 [+0.69, +2.64] (90%)"
    swapped = {"model": {"name": "base", "label": "B"}, "than": {"name": "att", "label": "A"}}
    assert verdict(made, within=within, **swapped).partition(" (")[0] == expected


def test_with_one_seed_the_interval_is_over_images_and_says_so():
    """Attention is right on 10 more of 100: (10.5 - 0.5) / 102 +- 1.96 sqrt(11 / 102 - 0.0980^2) / sqrt(102).

    McNemar's p is that of ten tosses of a coin that all show heads or all tails, 2 / 1024.
    """
    made = frame(run("base", 10, 80, right=np.arange(100) < 80, n=100), run("att", 10, 90, n=100))
    table = build(spec(claim(), seeds=(10,)), made)
    (row,) = cells(table)
    assert row["Difference [95%]"] == "+10.00 [+3.72, +15.89]"
    assert row["Verdict"] == "not testable here: one seed (McNemar: p = 0.002)"
    assert table.data["p_mcnemar"].iloc[0] == pytest.approx(2 / 1024)
    assert "these two networks" in " ".join(table.notes)
    several = build(spec(claim()), runs((90, 91, 92), (92, 92, 94)))
    assert "these two networks" not in " ".join(several.notes)


def test_networks_that_were_judged_by_other_images_are_refused_with_the_claims_name():
    made = frame(run("base", 10, 80, right=np.arange(90) < 80), run("att", 10, 90))
    with pytest.raises(StatisticsError, match=r"^claims\.01: .* evaluate both on one split"):
        build(spec(claim()), made)


def test_seeds_that_both_have_count():
    made = frame(run("base", 10, 90), run("base", 11, 91), run("att", 11, 92), run("att", 12, 99))
    (row,) = cells(build(spec(claim()), made))
    assert row["Seeds"] == "1 of 3, incomplete"
    assert row["Here"] == "Attention 92.00%, Baseline 91.00%"


def test_the_json_has_the_verdicts_in_plain_words():
    made = runs((90, 91, 92), (92, 92, 94))
    table = build(spec(claim(), claim(name="02", trained=3, dataset={"name": "mnist", "label": "MNIST"})), made)
    read = json.loads(table.json())
    assert read["caption"] == "Claims"
    assert read["notes"] == table.notes
    first, second = read["rows"]
    assert (first["claim"], first["verdict"], first["seeds_for_claimed"]) == ("01", "verified", 13)
    assert (second["verdict"], second["reason"]) == ("not testable here", "not run yet")
    assert (second["difference"], second["seeds_for_claimed"]) == (None, None)


def test_the_numbers_of_the_csv():
    table = build(
        spec(claim(), claim(name="02", dataset={"name": "mnist", "label": "MNIST"})), runs((90, 91), (92, 92))
    )
    first, second = pd.read_csv(io.StringIO(table.csv())).to_dict("records")
    assert (first["claim"], first["model_value"], first["than_value"]) == (1, 92, 90.5)
    assert (first["difference"], first["claimed"], first["seeds"]) == (1.5, 0.5, 2)
    assert pd.isna(second["difference"])
    assert pd.isna(second["images"])
