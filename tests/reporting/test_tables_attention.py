"""Tables of attention's use, from hand-made evaluations to exact cells."""

import io
import math

import pandas as pd
import pytest
from made import DATASETS, cells, evaluation, frame

from cnntention.base import specs
from cnntention.reporting.table import Table
from cnntention.reporting.tables.attention import KIND, AttentionSpec

build = KIND.build

MODELS = [{"name": "att", "label": "SelfAtt"}, {"name": "cbam", "label": "CBAM"}]
PUBLISHED = {"cifar10": {"att": {"gates": [-0.75, -5.0e-11, 1.92]}}}


def spec(**changes) -> AttentionSpec:
    content = {
        "name": "attention",
        "kind": "attention",
        "caption": "Use of attention",
        "runs": {},
        "datasets": DATASETS[:1],
        "models": MODELS,
        "split": "full",
        "seeds": [10, 11],
        "published": PUBLISHED,
    }
    return specs.read(AttentionSpec, content | changes)


def use(gates, bypassed, shares) -> dict:
    return {"attention": {"gates": gates, "shares": shares, "accuracy_bypassed": bypassed}}


RUNS = [
    evaluation("att", 10, 92, **use([1.0, 0.5, -2.0e-11], 80, [0.1, 0.02, None])),
    evaluation("att", 11, 93, **use([2.0, 0.5, -4.0e-11], 83, [0.3, 0.04, None])),
    evaluation("cbam", 10, 91, **use([None, None, None], 10, [None, None, None])),
    evaluation("cbam", 11, 91, **use([None, None, None], 12, [None, None, None])),
]


def test_the_cells():
    """Attention adds 12 and 10: mean 11 +- 12.7062 sqrt(2) / sqrt(2)."""
    assert cells(build(spec(), frame(*RUNS))) == [
        {
            "Dataset": "CIFAR-10",
            "Model": "SelfAtt",
            "Test accuracy (%)": "92.50 ± 0.71",
            "Attention bypassed (%)": "81.50 ± 2.12",
            "Attention adds": "+11.00 [-1.71, +23.71]",
            "Gate 1": "1.5 ± 0.71",
            "Gate 2": "0.5 ± 0",
            "Gate 3": "-3e-11 ± 1.4e-11",
            "Shares": "20.00%, 3.00%, –",
            "Paper's gates": "-0.75, -5e-11, 1.9",
            "Seeds": "2",
        },
        {
            "Dataset": "CIFAR-10",
            "Model": "CBAM",
            "Test accuracy (%)": "91.00 ± 0.00",
            "Attention bypassed (%)": "11.00 ± 1.41",
            "Attention adds": "+80.00 [+67.29, +92.71]",
            "Gate 1": "–",
            "Gate 2": "–",
            "Gate 3": "–",
            "Shares": "–",
            "Paper's gates": "–",
            "Seeds": "2",
        },
    ]


def test_one_seed_has_neither_spread_nor_interval():
    row = cells(build(spec(seeds=[10]), frame(RUNS[0], RUNS[2])))[0]
    assert row["Test accuracy (%)"] == "92.00"
    assert row["Attention adds"] == "+12.00"
    assert row["Gate 1"] == "1"


def test_what_is_missing_says_so():
    table = build(spec(published={}), frame(RUNS[0]))
    first, second = cells(table)
    assert first["Seeds"] == "1 of 2, incomplete"
    assert second["Test accuracy (%)"] == second["Attention bypassed (%)"] == "missing"
    assert second["Attention adds"] == second["Gate 1"] == "–"
    assert "Paper's gates" not in first
    assert "INCOMPLETE: 2 of 2 rows" in " ".join(table.notes)


def test_the_numbers_of_the_csv():
    table: Table = build(spec(), frame(*RUNS))
    att, cbam = pd.read_csv(io.StringIO(table.csv())).to_dict("records")
    assert att["accuracy"] == pytest.approx(92.5)
    assert att["gate_3"] == pytest.approx(-3e-11)
    assert att["gain"] == pytest.approx(11)
    assert math.isnan(cbam["gate_1"])


def test_validation_accuracy_is_called_so():
    assert "Validation accuracy (%)" in build(spec(split="tune"), frame(*RUNS)).shown
