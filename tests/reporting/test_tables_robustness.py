"""The table of errors on corrupted images, from hand-made errors to exact cells."""

import pandas as pd
import pytest
from made import cells
from scipy import stats

from cnntention.base.errors import ConfigError
from cnntention.reporting.tables.robustness import KIND, RobustnessSpec
from cnntention.study.study import Study

TABLE = {"kind": "robustness", "caption": "Robustness", "datasets": ["cifar10"], "split": "tune",
         "models": ["baseline", "mha"], "instrument": "corruptions", "reference": "baseline"}  # fmt: skip


@pytest.fixture
def spec(config) -> RobustnessSpec:
    return Study(config | {"tables": {"sturdy": TABLE}, "figures": {}, "seeds": [10, 11]}).tables.spec("sturdy")


def row(model: str, seed: int, clean: float, noise: float, blur: float) -> dict:
    errors = {"none": clean, "noise": noise, "blur": blur, "all": (noise + blur) / 2}
    return {"dataset": "cifar10", "model": model, "seed": seed, "images": 2000} | errors


def test_the_cells(spec):
    rows = [
        row("baseline", 10, 10, 20, 40),
        row("mha", 10, 9, 30, 20),
        row("baseline", 11, 12, 20, 40),
        row("mha", 11, 11, 50, 20),
    ]
    baseline, mha = cells(KIND.build(spec, pd.DataFrame(rows)))
    half = stats.t.ppf(0.975, 1) * 5  # of two that lie 10 apart: the standard error is 5
    assert baseline["Δ to Baseline"] == baseline["By Baseline's (%)"] == "–"
    assert mha == {
        "Dataset": "CIFAR-10",
        "Model": "MHA",
        "Error (%)": "10.00 ± 1.41",
        "Corrupted (%)": "30.00 ± 7.07",
        "Δ to Baseline": f"+0.00 [{-half:+.2f}, {half:+.2f}]",  # -5 and +5
        "By Baseline's (%)": f"125.0 [{125 - 5 * half:.1f}, {125 + 5 * half:.1f}]",  # 100 and 150
        "Noise": "40.0",
        "Blur": "20.0",
        "Seeds": "2",
    }


def test_a_reference_without_an_error_cannot_be_divided_by(spec):
    (_, mha) = cells(KIND.build(spec, pd.DataFrame([row("baseline", 10, 0, 0, 4), row("mha", 10, 0, 1, 5)])))
    assert (mha["Δ to Baseline"], "By Baseline's (%)" in mha) == ("+1.00", False)


def test_without_measurements_it_says_so(spec):
    table = KIND.build(spec, KIND.read("nowhere", spec))
    assert [each["Seeds"] for each in cells(table)] == ["0 of 2, incomplete"] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"instrument": "ablation"}, "tables.sturdy.instrument: no instrument 'ablation' of kind corruptions"),
        ({"reference": "selfatt"}, "tables.sturdy.reference"),
    ],
)
def test_what_it_cannot_rest_on_is_said(config, changes, message):
    with pytest.raises(ConfigError, match=message):
        Study(config | {"tables": {"sturdy": TABLE | changes}, "figures": {}})


def test_networks_that_were_trained_elsewhere_are_said_to_be(spec):
    origin = {"path": "theirs.pth", "sha256": "0123456789abcdef", "trained": "by others"}
    table = KIND.build(spec, pd.DataFrame([row("mha", 10, 9, 30, 20) | {"imported": origin}]))
    assert (
        "Imported, not trained here: mha on cifar10 from theirs.pth, SHA-256 0123456789ab, trained by others."
        in table.notes
    )
    assert "imported" not in table.shown.columns.str.lower()
