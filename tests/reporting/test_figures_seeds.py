"""The figure of all seeds: what is drawn, from hand-made outcomes."""

import numpy as np
import pandas as pd
import pytest
from made import DATASETS

from cnntention.base import specs
from cnntention.reporting.figures.seeds import KIND, SeedsSpec
from cnntention.reporting.statistics.crossed import crossed_mean

MODELS = [
    {"name": "base", "label": "Baseline", "color": "#4d4d4d"},
    {"name": "att", "label": "Attention", "color": "#0072b2"},
]


def spec(**changes) -> SeedsSpec:
    content = {
        "name": "figure9",
        "kind": "seeds",
        "title": "All seeds",
        "runs": {},
        "datasets": DATASETS[:1],
        "models": MODELS,
        "split": "full",
        "seeds": [10, 11, 12],
        "published": {"cifar10": {"att": 93.0}},
        "style": {"width": 9.0, "height": 3.6, "dpi": 100, "y_max": None},
    }
    return specs.read(SeedsSpec, content | changes)


def runs(base=(10, 11, 12), att=(10, 11, 12), dataset="cifar10") -> pd.DataFrame:
    """Outcomes on 200 images for each seed of both models."""
    rows = []
    for model, seeds in (("base", base), ("att", att)):
        for seed in seeds:
            right = np.random.default_rng([seed, len(model)]).random(200) < 0.9
            row = {"dataset": dataset, "model": model, "seed": seed, "right": right, "accuracy": 100 * right.mean()}
            rows.append(row)
    return pd.DataFrame(rows, columns=["dataset", "model", "seed", "right", "accuracy"])


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(figure) -> list[str]:
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def intervals(ax) -> list[tuple[float, float]]:
    """The ends of each interval, from top to bottom."""
    ends = [container.lines[2][0].get_segments()[0] for container in ax.containers]
    return [(low[0], high[0]) for low, high in ends]


def test_every_seed_is_a_dot_in_the_row_and_colour_of_its_model():
    frame = runs()
    (ax,) = KIND.draw(spec(), frame.sample(frac=1, random_state=0)).axes
    for row, (dots, model) in enumerate(zip(ax.collections[::2], ("base", "att"), strict=True)):
        accuracy, height = np.asarray(dots.get_offsets()).T
        assert accuracy == pytest.approx(frame[frame["model"] == model]["accuracy"])
        assert (np.abs(height - row) < 0.3).all()
        assert len(set(height)) == 3
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Baseline", "Attention"]
    assert ax.yaxis_inverted()
    assert texts(ax) == []


def test_the_interval_is_over_seeds_and_images():
    frame = runs()
    (ax,) = KIND.draw(spec(), frame).axes
    for found, (_, own) in zip(intervals(ax), frame.groupby("model", sort=False), strict=True):
        assert found == pytest.approx(crossed_mean(np.stack(list(own["right"])))[1:])


def test_the_papers_value_is_marked_where_there_is_one():
    figure = KIND.draw(spec(), runs())
    (ax,) = figure.axes
    (mark,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert mark.get_xdata()[0] == 93
    assert round(float(mark.get_ydata()[0])) == 1
    assert legend(figure) == ["a seed", "mean with 95% interval over seeds and images", "the paper's"]
    assert "the paper's" not in legend(KIND.draw(spec(published={}), runs()))


def test_what_is_missing_is_said():
    (ax,) = KIND.draw(spec(), runs(base=(10, 12), att=())).axes
    assert texts(ax) == ["2 of 3 seeds", "missing"]


def test_one_seed_has_no_interval():
    figure = KIND.draw(spec(seeds=[10]), runs(base=(10,), att=(10,)))
    assert intervals(figure.axes[0]) == []
    assert legend(figure) == ["a seed", "the paper's"]


def test_without_runs_there_are_rows_and_no_dots():
    figure = KIND.draw(spec(published={}), runs((), ()))
    assert texts(figure.axes[0]) == ["missing", "missing"]
    assert figure.legends == []


def test_each_dataset_has_a_panel_with_an_axis_of_its_own():
    frame = pd.concat([runs(), runs(dataset="mnist", att=())])
    first, second = KIND.draw(spec(datasets=DATASETS), frame).axes
    assert (first.get_title(), second.get_title()) == ("CIFAR-10", "MNIST")
    assert (texts(first), texts(second)) == ([], ["missing"])


def test_the_caption_says_what_the_marks_are():
    text = KIND.caption(spec(), {})
    assert "test accuracy, a dot for each of the seeds 10, 11, 12, below them" in text
    assert text.endswith("The paper's accuracy (%) on CIFAR-10: Attention 93.00.")
    assert "interval over" not in KIND.caption(spec(seeds=[10]), {})
