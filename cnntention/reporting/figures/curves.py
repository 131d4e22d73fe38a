"""Training curves (Figures 1, 5, 6 and 8): errors or losses by epoch."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.data import split
from cnntention.reporting import captions, selection
from cnntention.reporting.figures.kind import FigureKind, FigureSpec
from cnntention.reporting.kinds import Study
from cnntention.reporting.runs import histories
from cnntention.reporting.selection import Coloured, Labelled, Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.typing import LineStyleType

CURVES = ("train_error", "train_loss", "validation_error", "validation_loss", "test_error", "test_loss")
PANELS = ("dataset", "model", "curve")

_AXIS = {"error": "error (%)", "loss": "loss (cross-entropy)"}
_PARTS = {"train": "training", "validation": "validation", "test": "test"}
_LINES: "dict[str, LineStyleType]" = {"train": (0, (4, 1.5)), "validation": "solid", "test": "solid"}


@dataclasses.dataclass(frozen=True)
class CurvesSpec(FigureSpec, Selection):
    """What a figure of training curves depends on.

    Attributes:
        models: with their colours.
        curves: columns of the histories.
        panels: one panel for each ``dataset``, ``model`` or ``curve``.
    """

    models: tuple[Coloured, ...]
    curves: tuple[str, ...]
    panels: str


class Curves(FigureKind[CurvesSpec]):
    """The mean over seeds as a line, one standard deviation to each side as a band, one colour for each model.

    Training is dashed where it shares a panel with validation or test. A model is drawn up to the last epoch that all
    its seeds reached; missing seeds are named in the legend.
    """

    spec_class = CurvesSpec
    required = (*selection.KEYS, "curves", "panels")
    keys = selection.KEYS | {
        "curves": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": [*CURVES]},
            "description": "errors in %, or losses; validation with split tune, test with split full",
        },
        "panels": {"enum": [*PANELS], "description": "one panel for each dataset, model or curve"},
    }
    # The weights say by which config the history beside them was made.
    files = (layout.HISTORY, layout.MODEL)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        yield from selection.without_training(f"{key}.models", stanza["models"], "curves", config)
        for curve in stanza["curves"]:
            if curve.partition("_")[0] not in split.parts_with_curves(stanza["split"]):
                yield f"{key}.curves: split '{stanza['split']}' has no {curve}"
        if len({curve.rpartition("_")[2] for curve in stanza["curves"]}) > 1 and stanza["panels"] != "curve":
            yield f"{key}.panels: errors and losses cannot share an axis; use panels: curve, or curves of one kind"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        own = {key: stanza[key] for key in ("curves", "panels")}
        return own | selection.selected(stanza, study.config, "color")

    def caption(self, spec: CurvesSpec, tables: dict[str, dict]) -> str:
        curves = " and ".join(curve.replace("_", " ") for curve in spec.curves)
        text = f"{spec.title}: {curves} by epoch, {captions.seeds(spec.seeds)}"
        text += "; the band is one standard deviation to each side." if len(spec.seeds) > 1 else "."
        judged = split.judged_error(spec.split)
        if judged in spec.curves:
            known = captions.published_accuracies(tables, spec.split)
            errors = {data: {model: 100 - value for model, value in of.items()} for data, of in known.items()}
            text += captions.published(spec, errors, judged.replace("_", " "))
        return text

    def read(self, results: str, spec: CurvesSpec) -> pd.DataFrame:
        return histories(results, spec.runs)

    def draw(self, spec: CurvesSpec, runs: pd.DataFrame) -> "Figure":
        from cnntention.reporting.style import Figure, legend_below, styled

        panels = _panels(spec)
        style = spec.style
        with styled():
            # Several datasets are drawn one below the other, unless each is a panel of its own.
            rows = 1 if spec.panels == "dataset" else len(spec.datasets)
            figure = Figure(figsize=(style.width, style.height * rows), layout="constrained")
            figure.suptitle(spec.title, fontsize=11, fontweight="bold")
            # Models are compared across panels, so they share the axis; datasets and curves have scales of their own.
            shared: Literal["row", False] = "row" if spec.panels == "model" else False
            axes = figure.subplots(rows, len(panels) // rows, squeeze=False, sharey=shared).ravel()
            tops = []
            for ax, (title, dataset, models, names) in zip(axes, panels, strict=True):
                tops.append(
                    max(
                        _draw(ax, runs, dataset, model, name, dashed=len(names) > 1)
                        for model in models
                        for name in names
                    )
                )
                ax.set_title(title)
                ax.set_xlabel("epoch")
                ax.set_ylabel(_ylabel(names))
                ax.set_xlim(1, max(2, ax.dataLim.x1))
                ax.xaxis.get_major_locator().set_params(integer=True)
            for ax, panel, top in zip(axes, panels, tops, strict=True):
                if shared:
                    top = max(
                        other for other, (_, dataset, *_) in zip(tops, panels, strict=True) if dataset == panel[1]
                    )
                ax.set_ylim(0, style.y_max or top * 1.1 or None)
            handles = _legend(spec, runs, panels)
            if handles:
                legend_below(figure, handles)
        return figure


KIND = Curves()


def _panels(spec: CurvesSpec) -> list[tuple[str, Labelled, tuple[Coloured, ...], tuple[str, ...]]]:
    """Title, dataset, models and curves of each panel."""
    models, names = spec.models, spec.curves
    panels = []
    for dataset in spec.datasets:
        match spec.panels:
            case "dataset":
                panels.append((dataset.label, dataset, models, names))
            case "model":
                panels += [(f"{model.label}, {dataset.label}", dataset, (model,), names) for model in models]
            case "curve":
                panels += [(f"{_title(name)}, {dataset.label}", dataset, models, (name,)) for name in names]
    return panels


def _title(curve: str) -> str:
    part, kind = curve.split("_")
    return f"{_PARTS[part].capitalize()} {kind}"


def _ylabel(names: tuple[str, ...]) -> str:
    kind = names[0].split("_")[1]
    return _AXIS[kind] if len(names) > 1 else f"{_PARTS[names[0].split('_')[0]]} {_AXIS[kind]}"


def _draw(ax: "Axes", history: pd.DataFrame, dataset: Labelled, model: Coloured, name: str, dashed: bool) -> float:
    """Draw one curve; returns the highest value past the first steep epochs, by which the axis is scaled."""
    runs = history[(history["dataset"] == dataset.name) & (history["model"] == model.name)]
    if runs.empty:
        return 0.0
    seeds = runs["seed"].nunique()
    by_epoch = runs.groupby("epoch")[name].agg(["mean", "std", "count"])
    by_epoch = by_epoch[by_epoch["count"] == seeds]
    line = _LINES[name.split("_")[0]] if dashed else "solid"
    marker = "o" if len(by_epoch) == 1 else None
    ax.plot(by_epoch.index, by_epoch["mean"], color=model.color, linestyle=line, marker=marker)
    if seeds > 1:
        low, high = by_epoch["mean"] - by_epoch["std"], by_epoch["mean"] + by_epoch["std"]
        ax.fill_between(by_epoch.index, low.clip(lower=0), high, color=model.color, alpha=0.18, linewidth=0)
    skipped = len(by_epoch) // 10
    return float((by_epoch["mean"] + by_epoch["std"].fillna(0)).iloc[skipped:].max())


def _legend(spec: CurvesSpec, history: pd.DataFrame, panels: list) -> "list[Line2D]":
    """A handle for each model, and for each kind of line where a panel has several."""
    from matplotlib.lines import Line2D

    handles = []
    for model in spec.models:
        runs = history[history["model"] == model.name].groupby("dataset")["seed"].nunique()
        fewest = min(runs.get(dataset.name, 0) for dataset in spec.datasets)
        note = "" if fewest == len(spec.seeds) else f" (incomplete: {fewest} of {len(spec.seeds)} seeds)"
        handles.append(Line2D([], [], color=model.color, label=model.label + note))
    if len(panels[0][3]) > 1:
        for name in panels[0][3]:
            part = name.split("_")[0]
            handles.append(Line2D([], [], color="#222222", linestyle=_LINES[part], label=_PARTS[part]))
    return handles
