"""Training curves: what is drawn, from hand-made histories."""

import xml.etree.ElementTree

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from PIL import Image

from cnntention.base import specs
from cnntention.reporting.figures.curves import KIND, CurvesSpec
from cnntention.reporting.style import Figure, legend_below, save, styled
from cnntention.training.history import COLUMNS

MODELS = [
    {"name": "base", "label": "Baseline", "color": "#4d4d4d"},
    {"name": "att", "label": "Attention", "color": "#0072b2"},
]
DATASETS = [{"name": "cifar10", "label": "CIFAR-10"}, {"name": "mnist", "label": "MNIST"}]


curves = KIND.draw


def spec(**changes) -> CurvesSpec:
    content = {
        "name": "figure1",
        "kind": "curves",
        "title": "Errors",
        "runs": {},
        "datasets": DATASETS[:1],
        "models": MODELS[:1],
        "split": "full",
        "seeds": [10, 11, 12],
        "curves": ["train_error", "test_error"],
        "panels": "dataset",
        "style": {"width": 9.0, "height": 3.6, "dpi": 100, "y_max": None},
    }
    return specs.read(CurvesSpec, content | changes)


def run(seed, epochs=20, dataset="cifar10", model="base", **columns) -> pd.DataFrame:
    """The history of a run: falling errors that differ by seed, dataset and model."""
    random = np.random.default_rng([seed, len(dataset), len(model)])
    fall = np.linspace(60, 10, epochs)
    values = {name: fall + random.normal(0, 2, epochs) for name in COLUMNS if name.endswith(("error", "loss"))}
    steps = {"dataset": dataset, "model": model, "seed": seed, "epoch": np.arange(1, epochs + 1)}
    return pd.DataFrame(steps | values | columns)


def history(*frames) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def complete(datasets=("cifar10",), models=("base",), epochs=20) -> pd.DataFrame:
    return history(*(run(seed, epochs, data, model) for data in datasets for model in models for seed in (10, 11, 12)))


def matrix(frame: pd.DataFrame, name: str, dataset="cifar10", model="base") -> np.ndarray:
    """A column as ``[seeds, epochs]``."""
    own = frame[(frame["dataset"] == dataset) & (frame["model"] == model)]
    return own.pivot_table(index="seed", columns="epoch", values=name).to_numpy()


def band(collection: PolyCollection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epochs, lower and upper edge of a filled band."""
    corners = collection.get_paths()[0].vertices
    epochs = np.unique(corners[:, 0])
    edges = [corners[corners[:, 0] == epoch, 1] for epoch in epochs]
    return epochs, np.array([edge.min() for edge in edges]), np.array([edge.max() for edge in edges])


def legend(figure) -> dict:
    """The lines of the legend by their text."""
    (found,) = figure.legends
    return {text.get_text(): line for text, line in zip(found.get_texts(), found.get_lines(), strict=True)}


# ---- lines and bands


def test_lines_are_means_over_seeds():
    frame = complete()
    (ax,) = curves(spec(), frame).axes
    assert len(ax.lines) == 2
    for line, name in zip(ax.lines, ("train_error", "test_error"), strict=True):
        assert line.get_xdata().tolist() == list(range(1, 21))
        assert np.allclose(line.get_ydata(), matrix(frame, name).mean(0))


def test_bands_are_one_standard_deviation_to_each_side():
    frame = complete()
    (ax,) = curves(spec(), frame).axes
    assert len(ax.collections) == 2
    for collection, name in zip(ax.collections, ("train_error", "test_error"), strict=True):
        values = matrix(frame, name)
        epochs, low, high = band(collection)
        assert epochs.tolist() == list(range(1, 21))
        assert np.allclose(low, values.mean(0) - values.std(0, ddof=1))
        assert np.allclose(high, values.mean(0) + values.std(0, ddof=1))


def test_bands_do_not_reach_below_zero():
    frame = history(*(run(seed, test_error=error) for seed, error in ((10, 0.0), (11, 0.0), (12, 3.0))))
    (ax,) = curves(spec(curves=["test_error"], panels="curve"), frame).axes
    _, low, high = band(ax.collections[0])
    assert np.allclose(low, 0)
    assert np.allclose(high, 1 + np.sqrt(3))


def test_one_seed_has_a_line_and_no_band():
    frame = run(10)
    (ax,) = curves(spec(seeds=[10]), frame).axes
    assert len(ax.lines) == 2
    assert not ax.collections
    assert np.allclose(ax.lines[1].get_ydata(), frame["test_error"])


def test_colours_are_those_of_the_spec():
    figure = curves(spec(models=MODELS), complete(models=("base", "att")))
    (ax,) = figure.axes
    wanted = ["#4d4d4d", "#4d4d4d", "#0072b2", "#0072b2"]
    assert [matplotlib.colors.to_hex(line.get_color()) for line in ax.lines] == wanted
    assert [matplotlib.colors.to_hex(collection.get_facecolor()[0]) for collection in ax.collections] == wanted
    handles = legend(figure)
    assert matplotlib.colors.to_hex(handles["Baseline"].get_color()) == "#4d4d4d"
    assert matplotlib.colors.to_hex(handles["Attention"].get_color()) == "#0072b2"


def test_training_is_dashed_where_it_shares_a_panel():
    figure = curves(spec(), complete())
    (ax,) = figure.axes
    assert [line.is_dashed() for line in ax.lines] == [True, False]
    handles = legend(figure)
    assert handles["training"].is_dashed()
    assert not handles["test"].is_dashed()


def test_curves_in_panels_of_their_own_are_solid():
    figure = curves(spec(panels="curve"), complete())
    assert [line.is_dashed() for ax in figure.axes for line in ax.lines] == [False, False]
    assert set(legend(figure)) == {"Baseline"}


def test_epochs_in_any_order_are_drawn_in_order():
    frame = complete()
    shuffled = frame.sample(frac=1, random_state=0)
    for line, other in zip(curves(spec(), frame).axes[0].lines, curves(spec(), shuffled).axes[0].lines, strict=True):
        assert other.get_xdata().tolist() == list(range(1, 21))
        assert np.allclose(line.get_ydata(), other.get_ydata())


def test_drawing_does_not_change_its_input():
    frame = complete(models=("base", "att"))
    before = frame.copy(deep=True)
    wanted = spec(models=MODELS)
    curves(wanted, frame)
    pd.testing.assert_frame_equal(frame, before)
    assert wanted == spec(models=MODELS)


# ---- panels

FULL = complete(("cifar10", "mnist"), ("base", "att"))


@pytest.mark.parametrize(
    ("changes", "titles"),
    [
        ({"panels": "dataset"}, ["CIFAR-10"]),
        ({"panels": "dataset", "datasets": DATASETS, "models": MODELS}, ["CIFAR-10", "MNIST"]),
        ({"panels": "model", "models": MODELS}, ["Baseline, CIFAR-10", "Attention, CIFAR-10"]),
        ({"panels": "curve", "models": MODELS}, ["Training error, CIFAR-10", "Test error, CIFAR-10"]),
        (
            {"panels": "curve", "curves": ["train_loss", "validation_error"], "split": "tune"},
            ["Training loss, CIFAR-10", "Validation error, CIFAR-10"],
        ),
        ({"panels": "curve", "curves": ["test_loss"]}, ["Test loss, CIFAR-10"]),
    ],
    ids=lambda value: str(value.get("panels")) if isinstance(value, dict) else "",
)
def test_one_panel_for_each(changes, titles):
    figure = curves(spec(**changes), FULL)
    assert [ax.get_title() for ax in figure.axes] == titles
    assert figure.get_suptitle() == "Errors"
    for ax in figure.axes:
        assert ax.get_xlabel() == "epoch"
        assert ax.lines


def test_each_panel_shows_its_own_dataset():
    figure = curves(spec(datasets=DATASETS, curves=["test_error"]), FULL)
    for ax, dataset in zip(figure.axes, ("cifar10", "mnist"), strict=True):
        (line,) = ax.lines
        assert np.allclose(line.get_ydata(), matrix(FULL, "test_error", dataset).mean(0))


def test_each_panel_shows_its_own_model():
    figure = curves(spec(models=MODELS, curves=["test_error"], panels="model"), FULL)
    for ax, model in zip(figure.axes, ("base", "att"), strict=True):
        (line,) = ax.lines
        assert np.allclose(line.get_ydata(), matrix(FULL, "test_error", model=model).mean(0))


def test_each_panel_shows_its_own_curve():
    figure = curves(spec(models=MODELS, curves=["train_loss", "test_error"], panels="curve"), FULL)
    for ax, name in zip(figure.axes, ("train_loss", "test_error"), strict=True):
        for line, model in zip(ax.lines, ("base", "att"), strict=True):
            assert np.allclose(line.get_ydata(), matrix(FULL, name, model=model).mean(0))
    assert "loss" in figure.axes[0].get_ylabel()
    assert "error (%)" in figure.axes[1].get_ylabel()


@pytest.mark.parametrize(
    ("panels", "titles"),
    [
        ("model", ["Baseline, CIFAR-10", "Attention, CIFAR-10", "Baseline, MNIST", "Attention, MNIST"]),
        ("curve", ["Training error, CIFAR-10", "Test error, CIFAR-10", "Training error, MNIST", "Test error, MNIST"]),
    ],
)
def test_several_datasets_have_panels_of_their_own(panels, titles):
    figure = curves(spec(datasets=DATASETS, models=MODELS, panels=panels), FULL)
    assert [ax.get_title() for ax in figure.axes] == titles
    last = figure.axes[-1]
    wanted = (
        [("train_error", "att"), ("test_error", "att")]
        if panels == "model"
        else [("test_error", "base"), ("test_error", "att")]
    )
    for line, (name, model) in zip(last.lines, wanted, strict=True):
        assert np.allclose(line.get_ydata(), matrix(FULL, name, "mnist", model).mean(0))


def test_panels_of_other_kinds_have_scales_of_their_own():
    history_ = history(run(10, dataset="cifar10", test_error=80.0), run(10, dataset="mnist", test_error=2.0))
    figure = curves(spec(datasets=DATASETS, seeds=[10], curves=["test_error"]), history_)
    high, low = (ax.get_ylim()[1] for ax in figure.axes)
    assert high > 80
    assert 2 < low < 10


def test_panels_that_compare_models_share_their_axis():
    high = history(run(10, model="base", test_error=80.0), run(10, model="att", test_error=5.0))
    figure = curves(spec(models=MODELS, seeds=[10], curves=["test_error"], panels="model"), high)
    limits = {ax.get_ylim() for ax in figure.axes}
    assert len(limits) == 1
    assert limits.pop()[1] > 80


@pytest.mark.parametrize("panels", ["model", "curve"])
def test_datasets_that_share_a_panel_are_told_apart(panels):
    """By colour or line; configs/real-tiny.yaml draws such a figure."""
    figure = curves(spec(datasets=DATASETS, models=MODELS, panels=panels), FULL)
    for ax in figure.axes:
        looks = [(line.get_color(), line.get_linestyle(), line.get_marker(), line._dash_pattern) for line in ax.lines]
        assert len(set(map(str, looks))) == len(looks)


# ---- axes


def test_the_axis_begins_at_zero_and_holds_all_but_the_first_steep_epochs():
    frame = complete(epochs=40)
    frame.loc[frame["epoch"] == 1, ["train_error", "test_error"]] = 1000.0
    (ax,) = curves(spec(), frame).axes
    bottom, top = ax.get_ylim()
    assert bottom == 0
    late = frame[frame["epoch"] > 2]
    assert top >= late[["train_error", "test_error"]].max().max() - 5
    assert top < 200


def test_the_upper_end_of_the_axis_can_be_set():
    style = {"width": 9.0, "height": 3.6, "dpi": 100, "y_max": 25.0}
    figure = curves(spec(style=style, models=MODELS, panels="model"), FULL)
    assert {ax.get_ylim() for ax in figure.axes} == {(0.0, 25.0)}


def test_a_single_epoch_is_seen():
    """A line needs two points: one alone needs a mark."""
    (ax,) = curves(spec(), complete(epochs=1)).axes
    assert ax.get_xlim()[0] <= 1 <= ax.get_xlim()[1]
    assert ax.get_ylim()[1] > 60
    for line in ax.lines:
        assert line.get_xdata().tolist() == [1]
        assert line.get_marker() not in ("", "None", None)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_few_epochs_are_drawn(epochs):
    (ax,) = curves(spec(), complete(epochs=epochs)).axes
    assert [len(line.get_xdata()) for line in ax.lines] == [epochs, epochs]
    last = max(line.get_ydata()[-1] for line in ax.lines)
    assert ax.get_ylim()[1] > last
    assert ax.get_xlim()[1] >= epochs


# ---- what is missing


def test_a_model_is_drawn_up_to_the_last_epoch_that_all_its_seeds_reached():
    frame = history(run(10, 20), run(11, 12), run(12, 15))
    (ax,) = curves(spec(), frame).axes
    line = ax.lines[1]
    assert line.get_xdata().tolist() == list(range(1, 13))
    assert np.allclose(line.get_ydata(), matrix(frame[frame["epoch"] <= 12], "test_error").mean(0))
    assert band(ax.collections[1])[0].max() == 12


def test_models_are_cut_on_their_own():
    frame = history(run(10, 20), run(11, 12), run(10, 30, model="att"), run(11, 30, model="att"))
    (ax,) = curves(spec(models=MODELS, seeds=[10, 11]), frame).axes
    assert [len(line.get_xdata()) for line in ax.lines] == [12, 12, 30, 30]


def test_missing_seeds_are_named_in_the_legend():
    frame = history(run(10), run(12), *(run(seed, model="att") for seed in (10, 11, 12)))
    figure = curves(spec(models=MODELS), frame)
    assert {"Baseline (incomplete: 2 of 3 seeds)", "Attention"} <= set(legend(figure))


def test_missing_seeds_of_one_dataset_are_named_in_the_legend():
    frame = history(*(run(seed) for seed in (10, 11, 12)), run(10, dataset="mnist"))
    assert "Baseline (incomplete: 1 of 3 seeds)" in legend(curves(spec(datasets=DATASETS), frame))


def test_complete_curves_are_not_called_incomplete():
    assert not any("incomplete" in text for text in legend(curves(spec(models=MODELS), FULL)))


@pytest.mark.parametrize("panels", ["dataset", "model", "curve"])
def test_a_figure_without_any_run_is_drawn_and_says_so(panels):
    empty = pd.DataFrame(columns=["dataset", "model", "seed", "epoch"])
    figure = curves(spec(models=MODELS, panels=panels), empty)
    assert {"Baseline (incomplete: 0 of 3 seeds)", "Attention (incomplete: 0 of 3 seeds)"} <= set(legend(figure))
    assert not any(ax.lines for ax in figure.axes)


# ---- files


def test_the_size_is_that_of_the_spec(tmp_path):
    style = {"width": 5.5, "height": 3.0, "dpi": 120, "y_max": None}
    save(curves(spec(style=style), complete()), tmp_path / "figure.png", 120)
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (660, 360)
        assert picture.info["dpi"] == pytest.approx((120, 120), abs=0.1)
        colours = {color for _, color in picture.convert("RGB").getcolors(maxcolors=100_000)}
    assert (255, 255, 255) in colours
    assert (0x4D, 0x4D, 0x4D) in colours


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, suffix):
    frame = complete(("cifar10",), ("base", "att"))
    figure = curves(spec(models=MODELS), frame)
    save(figure, tmp_path / f"first{suffix}", 100)
    save(figure, tmp_path / f"second{suffix}", 100)
    save(curves(spec(models=MODELS), frame), tmp_path / f"third{suffix}", 100)
    first = (tmp_path / f"first{suffix}").read_bytes()
    assert first == (tmp_path / f"second{suffix}").read_bytes()
    assert first == (tmp_path / f"third{suffix}").read_bytes()


def test_the_svg_is_sound_and_holds_its_text(tmp_path):
    models = [MODELS[0] | {"label": "R&D <1>"}]
    save(curves(spec(models=models), complete()), tmp_path / "figure.svg", 100)
    root = xml.etree.ElementTree.parse(tmp_path / "figure.svg").getroot()
    assert root.tag.endswith("svg")
    text = " ".join(root.itertext())
    for part in ("Errors", "CIFAR-10", "epoch", "R&D <1>", "training"):
        assert part in text
    assert root.get("width") == "648pt"  # 9 inches


def test_the_svg_holds_no_date(tmp_path):
    save(curves(spec(), complete()), tmp_path / "figure.svg", 100)
    assert "dc:date" not in (tmp_path / "figure.svg").read_text(encoding="utf-8")


def test_drawing_leaves_matplotlibs_settings_as_they_were(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    save(curves(spec(), complete()), tmp_path / "figure.svg", 100)
    assert dict(matplotlib.rcParams) == before


def test_labels_with_dollars_are_text(tmp_path):
    """A label is text, not mathematics."""
    models = [MODELS[0] | {"label": r"costs $5 or $\frac"}]
    save(curves(spec(models=models, title=r"$\nonsense$"), complete()), tmp_path / "figure.svg", 100)
    text = " ".join(xml.etree.ElementTree.parse(tmp_path / "figure.svg").getroot().itertext())
    assert r"costs $5 or $\frac" in text
    assert r"$\nonsense$" in text


@pytest.mark.parametrize(
    "labels", [["Baseline", "MHA"], [f"ResNet-20, 15/32/{width} channels (missing)" for width in range(9)]]
)
def test_a_legend_is_as_wide_as_the_figure_at_most(labels):
    with styled():
        figure = Figure(figsize=(9, 3.5), layout="constrained")
        figure.subplots()
        legend_below(figure, [Line2D([], [], marker="o", label=label) for label in labels])
        figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().width < figure.bbox.width
    assert legend._ncols > 1
