"""Training curves: a spec and a data frame in, a figure out."""

from typing import Literal

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from cnntention.reporting.style import STYLE

_AXIS = {"error": "error (%)", "loss": "loss (cross-entropy)"}
_PARTS = {"train": "training", "validation": "validation", "test": "test"}
_LINES: dict[str, LineStyleType] = {"train": (0, (4, 1.5)), "validation": "solid", "test": "solid"}


def curves(spec: dict, history: pd.DataFrame) -> Figure:
    """Curves by epoch: the mean over seeds as a line, one standard deviation to each side as a band.

    One colour a model; training dashed where it shares a panel with validation or test. A model is drawn up to the
    last epoch that all its seeds reached; missing seeds are named in the legend.

    Args:
        spec: see :meth:`cnntention.study.study.Study.figure_spec`.
        history: see :func:`cnntention.reporting.results.histories`.
    """
    panels = _panels(spec)
    style = spec["style"]
    with matplotlib.rc_context(STYLE):
        # Several datasets stand below each other, unless each is a panel of its own.
        rows = 1 if spec["panels"] == "dataset" else len(spec["datasets"])
        figure = Figure(figsize=(style["width"], style["height"] * rows), layout="constrained")
        figure.suptitle(spec["title"], fontsize=11, fontweight="bold")
        # Models are compared across panels, so they share the axis; datasets and curves have scales of their own.
        shared: Literal["row", False] = "row" if spec["panels"] == "model" else False
        axes = figure.subplots(rows, len(panels) // rows, squeeze=False, sharey=shared).ravel()
        tops = []
        for ax, (title, dataset, models, names) in zip(axes, panels, strict=True):
            tops.append(
                max(
                    _draw(ax, history, dataset, model, name, dashed=len(names) > 1)
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
                top = max(other for other, (_, dataset, *_) in zip(tops, panels, strict=True) if dataset == panel[1])
            ax.set_ylim(0, style["y_max"] or top * 1.1 or None)
        handles = _legend(spec, history, panels)
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))
    return figure


def _panels(spec: dict) -> list[tuple[str, dict, list[dict], list[str]]]:
    """Title, dataset, models and curves of each panel."""
    models, names = spec["models"], spec["curves"]
    panels = []
    for dataset in spec["datasets"]:
        match spec["panels"]:
            case "dataset":
                panels.append((dataset["label"], dataset, models, names))
            case "model":
                panels += [(f"{model['label']}, {dataset['label']}", dataset, [model], names) for model in models]
            case "curve":
                panels += [(f"{_title(name)}, {dataset['label']}", dataset, models, [name]) for name in names]
    return panels


def _title(curve: str) -> str:
    part, kind = curve.split("_")
    return f"{_PARTS[part].capitalize()} {kind}"


def _ylabel(names: list[str]) -> str:
    kind = names[0].split("_")[1]
    return _AXIS[kind] if len(names) > 1 else f"{_PARTS[names[0].split('_')[0]]} {_AXIS[kind]}"


def _draw(ax: Axes, history: pd.DataFrame, dataset: dict, model: dict, name: str, dashed: bool) -> float:
    """Draw one curve; returns the highest value past the first steep epochs, by which the axis is scaled."""
    runs = history[(history["dataset"] == dataset["name"]) & (history["model"] == model["name"])]
    if runs.empty:
        return 0.0
    seeds = runs["seed"].nunique()
    by_epoch = runs.groupby("epoch")[name].agg(["mean", "std", "count"])
    by_epoch = by_epoch[by_epoch["count"] == seeds]
    line = _LINES[name.split("_")[0]] if dashed else "solid"
    marker = "o" if len(by_epoch) == 1 else None
    ax.plot(by_epoch.index, by_epoch["mean"], color=model["color"], linestyle=line, marker=marker)
    if seeds > 1:
        low, high = by_epoch["mean"] - by_epoch["std"], by_epoch["mean"] + by_epoch["std"]
        ax.fill_between(by_epoch.index, low.clip(lower=0), high, color=model["color"], alpha=0.18, linewidth=0)
    skipped = len(by_epoch) // 10
    return float((by_epoch["mean"] + by_epoch["std"].fillna(0)).iloc[skipped:].max())


def _legend(spec: dict, history: pd.DataFrame, panels: list) -> list[Line2D]:
    """A handle for each model, and for each kind of line where a panel has several."""
    handles = []
    for model in spec["models"]:
        runs = history[history["model"] == model["name"]].groupby("dataset")["seed"].nunique()
        fewest = min(runs.get(dataset["name"], 0) for dataset in spec["datasets"])
        note = "" if fewest == len(spec["seeds"]) else f" (incomplete: {fewest} of {len(spec['seeds'])} seeds)"
        handles.append(Line2D([], [], color=model["color"], label=model["label"] + note))
    if len(panels[0][3]) > 1:
        for name in panels[0][3]:
            part = name.split("_")[0]
            handles.append(Line2D([], [], color="#222222", linestyle=_LINES[part], label=_PARTS[part]))
    return handles
