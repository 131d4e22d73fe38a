"""Accuracy against what it costs, with the Pareto frontier: the models that no other beats in both."""

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from cnntention.base.layout import Run
from cnntention.data import split
from cnntention.reporting import captions, costs, selection
from cnntention.reporting.costs import COSTS, Cost
from cnntention.reporting.figures.kind import FigureKind, FigureSpec
from cnntention.reporting.instruments.spec import MeasuredBy
from cnntention.reporting.kinds import Study
from cnntention.reporting.selection import Coloured, Labelled, Selection
from cnntention.reporting.statistics.crossed import crossed_mean
from cnntention.reporting.statistics.samples import of_same_images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_FRONTIER: dict[str, Any] = {
    "color": "#222222", "linewidth": 0.8, "linestyle": "--", "marker": "o", "markersize": 11, "markerfacecolor": "none",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ParetoSpec(FigureSpec, Selection):
    """What a figure of accuracy against costs depends on.

    Attributes:
        models: with their colours.
        costs: of :data:`cnntention.reporting.costs.COSTS`, a panel each.
        latency: by which instrument it is measured; None: by none.
    """

    models: tuple[Coloured, ...]
    costs: tuple[str, ...]
    latency: MeasuredBy | None


class Pareto(FigureKind[ParetoSpec]):
    """A row a dataset, a panel a cost: a dot a model, mean over seeds, with its interval over seeds and images.

    The frontier joins means, whatever their intervals.
    """

    spec_class = ParetoSpec
    required = (*selection.KEYS, "costs")
    keys: ClassVar[dict[str, dict]] = (
        selection.KEYS
        | costs.KEY
        | {
            "costs": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": [*COSTS]},
                "description": "a panel each; those of answering need latency",
            }
        }
    )
    files = costs.FILES

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def instruments(self, stanza: dict) -> list[str]:
        return costs.instruments(stanza)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        yield from costs.problems(key, stanza, config)
        for cost in stanza["costs"]:
            if COSTS[cost].measured and not stanza.get("latency"):
                yield f"{key}.costs: {cost} is measured by an instrument; name it by latency"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        own = {"costs": stanza["costs"]} | costs.details(stanza, study)
        return own | selection.selected(stanza, study.config, "color")

    def caption(self, spec: ParetoSpec, tables: dict[str, dict]) -> str:
        text = f"{spec.title}: {split.judging_part(spec.split)} accuracy, {captions.seeds(spec.seeds)}"
        if len(spec.seeds) > 1:
            text += ", with its 95% interval over seeds and images"
        return text + (
            "; the line joins the models that no other beats in both. Models whose intervals overlap may change "
            "places on it."
        )

    def read(self, results: str, spec: ParetoSpec) -> pd.DataFrame:
        return costs.read(results, spec.runs, spec.latency)

    def draw(self, spec: ParetoSpec, runs: pd.DataFrame) -> "Figure":
        from cnntention.reporting.style import Figure, legend_below, styled

        with styled():
            height = spec.style.height * len(spec.datasets)
            figure = Figure(figsize=(spec.style.width, height), layout="constrained")
            figure.suptitle(spec.title, fontsize=11, fontweight="bold")
            axes = figure.subplots(len(spec.datasets), len(spec.costs), squeeze=False, sharey="row")
            for row, dataset in zip(axes, spec.datasets, strict=True):
                for ax, cost in zip(row, spec.costs, strict=True):
                    _panel(ax, spec, dataset, COSTS[cost], runs[runs["dataset"] == dataset.name])
                row[0].set_ylabel(f"{split.judging_part(spec.split)} accuracy (%)")
            legend_below(figure, _legend(spec, runs))
        return figure


KIND = Pareto()


def _panel(ax: "Axes", spec: ParetoSpec, dataset: Labelled, cost: Cost, runs: pd.DataFrame) -> None:
    means = []
    for model in spec.models:
        own = runs[(runs["model"] == model.name) & runs[cost.column].notna()]
        if own.empty:
            continue
        mean, low, high = own["accuracy"].mean(), math.nan, math.nan
        if len(own) > 1:
            names = [f"{model.label}, seed {seed}" for seed in own["seed"]]
            mean, low, high = crossed_mean(of_same_images(list(own["right"]), names))
        at = own[cost.column].mean() * cost.scale
        means.append((at, mean))
        ends = [[mean - low], [high - mean]]
        ax.errorbar(at, mean, yerr=ends, color=model.color, fmt="o", markersize=6, capsize=3, zorder=3)
    at_frontier = [means[position] for position in costs.frontier(*zip(*means, strict=True))] if means else []
    ax.plot(*zip(*at_frontier, strict=True) if at_frontier else ((), ()), **_FRONTIER)
    ax.set_title(dataset.label)
    ax.set_xlabel(cost.title)
    ax.margins(0.12)


def _legend(spec: ParetoSpec, runs: pd.DataFrame) -> "list[Line2D]":
    from matplotlib.lines import Line2D

    handles = []
    for model in spec.models:
        counts = runs[runs["model"] == model.name].groupby("dataset").size()
        fewest = min(counts.get(dataset.name, 0) for dataset in spec.datasets)
        note = "" if fewest else " (missing)"
        if 0 < fewest < len(spec.seeds):
            note = f" (incomplete: {fewest} of {len(spec.seeds)} seeds)"
        handles.append(Line2D([], [], color=model.color, marker="o", linestyle="", label=model.label + note))
    handles.append(Line2D([], [], label="no other beats it in both", **_FRONTIER))
    return handles
