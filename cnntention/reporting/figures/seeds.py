"""All seeds: the accuracy of every run, a dot each, with mean and interval and what the paper has."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.data import split
from cnntention.reporting import captions, selection
from cnntention.reporting.figures.kind import FigureKind, FigureSpec
from cnntention.reporting.kinds import Study
from cnntention.reporting.runs import evaluations_in_detail
from cnntention.reporting.selection import Coloured, Labelled, Selection
from cnntention.reporting.statistics.crossed import crossed_mean
from cnntention.reporting.statistics.samples import of_same_images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_INK = "#222222"
_PAPER: dict[str, Any] = {"color": _INK, "marker": "D", "markerfacecolor": "none"}
_SPREAD = 0.36
"""The height of the dots of one model, in rows."""
_BELOW = 0.3
"""How far below them mean and interval stand."""


@dataclasses.dataclass(frozen=True)
class SeedsSpec(FigureSpec, Selection):
    """What a figure of all seeds depends on.

    Attributes:
        models: with their colours.
        published: accuracies in percent by dataset and model.
    """

    models: tuple[Coloured, ...]
    published: dict[str, dict[str, float]]


class Seeds(FigureKind[SeedsSpec]):
    """One panel a dataset, one row a model: a dot a seed, below it their mean with its interval, and the paper's value.

    The interval is over seeds and images, see :func:`cnntention.reporting.statistics.crossed.crossed_mean`; one seed
    has none. Rows whose runs are not all there say so.
    """

    spec_class = SeedsSpec
    required = tuple(selection.KEYS)
    keys = selection.KEYS
    files = (layout.EVAL, layout.HISTORY, layout.PREDICTIONS)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        if stanza["style"]["y_max"] is not None:
            yield f"{key}.style.y_max: a figure of all seeds has models on its y axis; take it away"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        known = captions.published_accuracies(study.config["tables"], stanza["split"])
        published = {
            dataset: {model: value for model, value in known.get(dataset, {}).items() if model in stanza["models"]}
            for dataset in stanza["datasets"]
        }
        return {"published": published} | selection.selected(stanza, study.config, "color")

    def caption(self, spec: SeedsSpec, tables: dict[str, dict]) -> str:
        text = f"{spec.title}: {split.judging_part(spec.split)} accuracy, a dot for each of the seeds "
        text += f"{', '.join(map(str, spec.seeds))}"
        if len(spec.seeds) > 1:
            text += ", below them their mean with its 95% interval over seeds and images"
        text += (
            ". Models of one seed share batches and images, so their difference is often better known than the "
            "intervals suggest: the table beside this figure has it."
        )
        return text + captions.published(spec, spec.published, "accuracy")

    def read(self, results: str, spec: SeedsSpec) -> pd.DataFrame:
        return evaluations_in_detail(results, spec.runs)

    def draw(self, spec: SeedsSpec, runs: pd.DataFrame) -> "Figure":
        from matplotlib.figure import Figure

        from cnntention.reporting.style import legend_below, styled

        with styled():
            figure = Figure(figsize=(spec.style.width, spec.style.height), layout="constrained")
            figure.suptitle(spec.title, fontsize=11, fontweight="bold")
            axes = figure.subplots(1, len(spec.datasets), squeeze=False, sharey=True)[0]
            for ax, dataset in zip(axes, spec.datasets, strict=True):
                _panel(ax, spec, dataset, runs[runs["dataset"] == dataset.name])
            handles = _legend(spec, runs)
            if handles:
                legend_below(figure, handles)
        return figure


KIND = Seeds()


def _panel(ax: "Axes", spec: SeedsSpec, dataset: Labelled, runs: pd.DataFrame) -> None:
    for row, model in enumerate(spec.models):
        own = runs[runs["model"] == model.name].sort_values("seed")
        _dots(ax, row, model, own, len(spec.seeds))
        paper = spec.published.get(dataset.name, {}).get(model.name)
        if paper is not None:
            ax.plot(paper, row + _BELOW, zorder=3, **_PAPER)
    ax.set_title(dataset.label)
    ax.set_xlabel(f"{split.judging_part(spec.split)} accuracy (%)")
    ax.set_yticks(range(len(spec.models)), [model.label for model in spec.models])
    ax.set_ylim(len(spec.models) - 0.5, -0.5)  # the first model on top
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)


def _dots(ax: "Axes", row: int, model: Coloured, runs: pd.DataFrame, expected: int) -> None:
    """One model's runs on one dataset, sorted by seed, from top to bottom."""
    if len(runs) < expected:
        text = f"{len(runs)} of {expected} seeds" if len(runs) else "missing"
        ax.text(0.99, row - _SPREAD, text, transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=7)
    if runs.empty:
        return
    heights = row - _SPREAD / 2 + _SPREAD * (np.arange(len(runs)) + 0.5) / len(runs) - _SPREAD / 4
    ax.scatter(runs["accuracy"], heights, s=16, color=model.color, alpha=0.75, linewidths=0)
    if len(runs) > 1:
        mean, low, high = crossed_mean(
            of_same_images(list(runs["right"]), [f"{model.label}, seed {seed}" for seed in runs["seed"]])
        )
        ends = [[mean - low], [high - mean]]
        ax.errorbar(mean, row + _BELOW, xerr=ends, fmt="|", color=model.color, markersize=9, capsize=3)


def _legend(spec: SeedsSpec, runs: pd.DataFrame) -> "list[Line2D]":
    """A handle for each mark that is drawn, in no model's colour."""
    from matplotlib.lines import Line2D

    handles = []
    if not runs.empty:
        handles.append(Line2D([], [], color=_INK, linestyle="", marker=".", label="a seed"))
    if (runs.groupby(["dataset", "model"]).size() > 1).any():
        handles.append(Line2D([], [], color=_INK, marker="|", label="mean with 95% interval over seeds and images"))
    if any(spec.published.values()):
        handles.append(Line2D([], [], linestyle="", label="the paper's", **_PAPER))
    return handles
