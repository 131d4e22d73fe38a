"""When attention switches on or off: gates, and attention's share of the feature map, by epoch and stage."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.network.specs import STAGES
from cnntention.reporting import captions, selection
from cnntention.reporting.figures.kind import FigureKind, FigureSpec
from cnntention.reporting.kinds import Study
from cnntention.reporting.runs import histories
from cnntention.reporting.selection import Coloured, Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import LineStyleType

MEASURES = {"gate": "gate w", "share": "share (%)"}
_INK = "#222222"
SMALL = 0.01
"""Percent; the axis of shares is linear below and logarithmic above."""
_LINES: "dict[int, LineStyleType]" = {1: "solid", 2: (0, (5, 1.5)), 3: (0, (1, 1.2))}


@dataclasses.dataclass(frozen=True)
class AttentionCurvesSpec(FigureSpec, Selection):
    """What a figure of attention by epoch depends on.

    Attributes:
        models: with their colours.
    """

    models: tuple[Coloured, ...]


class AttentionCurves(FigureKind[AttentionCurvesSpec]):
    """Two rows a dataset, gates above shares, and a column a model; a line a stage, the mean over seeds, with a band of
    one standard deviation to each side.

    Gates are w of eq. 3 and start at 0. The share is what attention adds by what is there, see
    :func:`cnntention.network.attention_use.shares`.
    """

    spec_class = AttentionCurvesSpec
    required = tuple(selection.KEYS)
    keys = selection.KEYS
    files = (layout.HISTORY, layout.MODEL)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        yield from selection.without_training(f"{key}.models", stanza["models"], "gates by epoch", config)
        for model in stanza["models"]:
            if model in config["models"] and config["models"][model]["attention"] is None:
                yield f"{key}.models: '{model}' has no attention"
        if stanza["style"]["y_max"] is not None:
            yield f"{key}.style.y_max: gates and shares have axes of their own; take it away"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        return selection.selected(stanza, study.config, "color")

    def caption(self, spec: AttentionCurvesSpec, tables: dict[str, dict]) -> str:
        return (
            f"{spec.title}: the gate w of each stage's attention (paper, eq. 3), which starts at 0, and the mean size "
            "of what attention adds to the feature map by that of the feature map, after each epoch; "
            f"{captions.seeds(spec.seeds)}. A line that falls to 0 is attention that training has switched off."
        )

    def read(self, results: str, spec: AttentionCurvesSpec) -> pd.DataFrame:
        return histories(results, spec.runs)

    def draw(self, spec: AttentionCurvesSpec, runs: pd.DataFrame) -> "Figure":
        from matplotlib.lines import Line2D

        from cnntention.reporting.style import Figure, legend_below, styled

        style = spec.style
        rows = [(dataset, what) for dataset in spec.datasets for what in MEASURES]
        with styled():
            figure = Figure(figsize=(style.width, style.height * len(rows)), layout="constrained")
            figure.suptitle(spec.title, fontsize=11, fontweight="bold")
            axes = figure.subplots(len(rows), len(spec.models), squeeze=False, sharex="row")
            for row, (dataset, what) in zip(axes, rows, strict=True):
                for ax, model in zip(row, spec.models, strict=True):
                    own = runs[(runs["dataset"] == dataset.name) & (runs["model"] == model.name)]
                    missing = len(spec.seeds) - own["seed"].nunique()
                    ax.set_title(f"{model.label}, {dataset.label}" + (f" ({missing} seeds missing)" if missing else ""))
                    _panel(ax, own, what, model)
                row[0].set_ylabel(MEASURES[what])
            handles = [Line2D([], [], color=_INK, linestyle=_LINES[each], label=f"stage {each}") for each in STAGES]
            legend_below(figure, handles)
        return figure


KIND = AttentionCurves()


def _panel(ax: "Axes", own: pd.DataFrame, what: str, model: Coloured) -> None:
    scale = 100 if what == "share" else 1
    columns = [f"{what}_{stage}" for stage in STAGES]
    if own[columns].isna().all(axis=None):
        why = "no measurement of it" if own.empty or what == "share" else "no gate"
        ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", color="#777777")
        ax.set_yticks([])
    for stage, column in zip(STAGES, columns, strict=True):
        by_epoch = (
            (scale * own.set_index("epoch")[column].astype(float))
            .groupby("epoch")
            .agg(["mean", "std"])
            .dropna(subset="mean")
        )
        if by_epoch.empty:
            continue
        marker = "o" if len(by_epoch) == 1 else None
        ax.plot(by_epoch.index, by_epoch["mean"], color=model.color, linestyle=_LINES[stage], marker=marker)
        low, high = by_epoch["mean"] - by_epoch["std"], by_epoch["mean"] + by_epoch["std"]
        ax.fill_between(by_epoch.index, low, high, color=model.color, alpha=0.18, linewidth=0)
    if what == "share":
        ax.set_yscale("symlog", linthresh=SMALL)
        ax.set_ylim(0, 200)
        ticks = [0, 0.01, 0.1, 1, 10, 100]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    else:
        ax.axhline(0, color="#999999", linewidth=0.8)
    ax.set_xlabel("epoch")
    ax.locator_params(axis="x", integer=True)
