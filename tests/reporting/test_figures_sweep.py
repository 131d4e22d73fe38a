"""Figures of a sweep: a line a model, a point a number."""

import numpy as np
import pandas as pd
import pytest

from cnntention.base.errors import ConfigError
from cnntention.reporting.figures.sweep import KIND, SweepSpec
from cnntention.reporting.statistics.crossed import crossed_mean
from cnntention.study.study import Study

GRID = {"models": ["baseline", "cbam-16"], "over": {"recipe.epochs": [182, 20, 40]}}
FIGURE = {
    "kind": "sweep",
    "title": "By epochs",
    "grid": "length",
    "x": "recipe.epochs",
    "datasets": ["cifar10"],
    "split": "tune",
}


@pytest.fixture
def spec(config) -> SweepSpec:
    config |= {"grids": {"length": GRID}, "figures": {"length": dict(FIGURE)}}
    return Study(config).figures.spec("length")


def runs(spec: SweepSpec, without: str = "") -> pd.DataFrame:
    rows = []
    for line in spec.lines:
        for model, number in zip(line.models, line.numbers, strict=True):
            for seed in spec.seeds if model != without else ():
                right = np.random.default_rng([seed, int(number)]).random(200) < 0.8 + number / 1000
                rows.append({"model": model, "seed": seed, "right": right, "accuracy": 100 * right.mean()})
    return pd.DataFrame(rows).assign(dataset="cifar10")


def test_a_line_is_a_model_by_ascending_number(spec):
    assert [(line.label, line.models, line.numbers) for line in spec.lines] == [
        ("Baseline", ("baseline-epochs20", "baseline-epochs40", "baseline"), (20, 40, 182)),
        ("CBAM-16", ("cbam-16-epochs20", "cbam-16-epochs40", "cbam-16"), (20, 40, 182)),
    ]
    assert [line.color for line in spec.lines] == ["#4d4d4d", "#009e73"]


def test_points_are_means_with_the_interval_over_seeds_and_images(spec):
    frame = runs(spec)
    (ax,) = KIND.draw(spec, frame).axes
    (drawn, _) = ax.containers
    own = frame[frame["model"] == "baseline-epochs40"]
    mean, low, high = crossed_mean(np.stack(list(own["right"])))
    assert drawn.lines[0].get_xdata()[1] == 40
    assert drawn.lines[0].get_ydata()[1] == pytest.approx(mean)
    assert drawn.lines[2][0].get_segments()[1][:, 1] == pytest.approx([low, high])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["20", "40", "182"]
    assert ax.get_xlabel() == "epochs"


def test_what_is_missing_is_named_and_one_seed_has_no_interval(spec):
    frame = runs(spec, without="cbam-16")
    (ax,) = KIND.draw(spec, frame[frame["seed"] == 10]).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "Baseline (incomplete: 3 of 9 runs)",
        "CBAM-16 (incomplete: 2 of 9 runs)",
    ]
    KIND.draw(spec, frame[:0])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"x": "depth"}, "figures.length.x: unknown name 'depth'; there are: recipe.epochs"),
        ({"grid": "lenght"}, "figures.length.grid: unknown name 'lenght'; did you mean 'length'?"),
        ({"x": "recipe"}, "figures.length.x: not every value of grids.length.over.recipe is a number"),
    ],
)
def test_a_sweep_needs_numbers_of_its_grid(config, changes, line):
    over = {"recipe": ["he2015"]} if changes == {"x": "recipe"} else GRID["over"]
    with pytest.raises(ConfigError) as caught:
        Study(config | {"grids": {"length": GRID | {"over": over}}, "figures": {"length": FIGURE | changes}})
    assert line in str(caught.value)
