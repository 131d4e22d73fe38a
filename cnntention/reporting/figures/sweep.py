"""Sweeps: accuracy by one number that a grid varies, such as depth, heads or epochs."""

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.data import split
from cnntention.reporting import cells, selection
from cnntention.reporting.cells import Cell
from cnntention.reporting.figures.kind import FigureKind, FigureSpec
from cnntention.reporting.kinds import Study
from cnntention.reporting.runs import evaluations_in_detail
from cnntention.reporting.selection import Labelled
from cnntention.reporting.statistics.crossed import crossed_mean
from cnntention.reporting.statistics.samples import of_same_images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 4
"""Numbers of which the largest is so many times the smallest stand on a logarithmic axis."""


@dataclasses.dataclass(frozen=True)
class Line:
    """Models that differ in the number alone.

    Attributes:
        label: of the line.
        color: as ``#rrggbb``.
        models: names, by ascending number.
        numbers: of each.
    """

    label: str
    color: str
    models: tuple[str, ...]
    numbers: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class SweepSpec(FigureSpec):
    """What a figure of a sweep depends on.

    Attributes:
        datasets: a panel each.
        split: see :mod:`cnntention.data.split`.
        x: what the number is, for reading.
        lines: of each panel.
        seeds: of the runs of each model.
    """

    datasets: tuple[Labelled, ...]
    split: str
    x: str
    lines: tuple[Line, ...]
    seeds: tuple[int, ...]


class Sweep(FigureKind[SweepSpec]):
    """One panel a dataset: a dot a run, and over each number the mean of the seeds with its interval, joined by a line.

    The interval is over seeds and images, see :func:`cnntention.reporting.statistics.crossed.crossed_mean`; one seed
    has none.
    """

    spec_class = SweepSpec
    required = ("grid", "x", "datasets", "split")
    keys = {key: selection.KEYS[key] for key in ("datasets", "split")} | {
        "grid": {"$ref": "#/$defs/name", "description": "of grids, whose models are shown"},
        "x": {"type": "string", "description": "one of the keys that the grid varies; its values are numbers"},
    }
    files = (layout.EVAL, layout.HISTORY, layout.PREDICTIONS)

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza | {"models": _models(stanza)}, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza | {"models": _models(stanza)}, config)
        grid = config["grids"].get(stanza["grid"])
        if grid is None:
            yield from unknown(f"{key}.grid", stanza["grid"], config["grids"])
        elif stanza["x"] not in grid["over"]:
            yield from unknown(f"{key}.x", stanza["x"], grid["over"])
        elif any(isinstance(value, bool | str | list) for value in grid["over"][stanza["x"]]):
            yield f"{key}.x: not every value of grids.{stanza['grid']}.over.{stanza['x']} is a number"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        lines: dict[str, list[Cell]] = {}
        for cell in sorted(cells.cells(stanza), key=lambda cell: cell.values[stanza["x"]]):
            others = [level for name, level in cells.levels(cell, study.config).items() if name != _name(stanza)]
            lines.setdefault(", ".join(others), []).append(cell)
        return {
            "datasets": [selection.labelled("datasets", name, study.config) for name in stanza["datasets"]],
            "split": stanza["split"],
            "x": _name(stanza),
            "lines": [
                {
                    "label": label,
                    "color": study.config["models"][_colored(line, lines)]["color"],
                    "models": [cell.model for cell in line],
                    "numbers": [cell.values[stanza["x"]] for cell in line],
                }
                for label, line in lines.items()
            ],
            "seeds": study.config["seeds"],
        }

    def caption(self, spec: SweepSpec, tables: dict[str, dict]) -> str:
        text = f"{spec.title}: {split.judging_part(spec.split)} accuracy by {spec.x}, a dot for each of the seeds "
        text += ", ".join(map(str, spec.seeds))
        if len(spec.seeds) > 1:
            text += ", and their mean with its 95% interval over seeds and images"
        return text + "."

    def read(self, results: str, spec: SweepSpec) -> pd.DataFrame:
        return evaluations_in_detail(results, spec.runs)

    def draw(self, spec: SweepSpec, runs: pd.DataFrame) -> "Figure":
        from matplotlib.figure import Figure

        from cnntention.reporting.style import styled

        with styled():
            figure = Figure(figsize=(spec.style.width, spec.style.height), layout="constrained")
            figure.suptitle(spec.title, fontsize=11, fontweight="bold")
            axes = figure.subplots(1, len(spec.datasets), squeeze=False)[0]
            for ax, dataset in zip(axes, spec.datasets, strict=True):
                on_dataset = runs[runs["dataset"] == dataset.name]
                for line in spec.lines:
                    _draw(ax, line, on_dataset, len(spec.seeds))
                ax.set_title(dataset.label)
                ax.set_ylabel(f"{split.judging_part(spec.split)} accuracy (%)")
                _scale(ax, spec)
                if len(spec.lines) > 1 or _incomplete(spec.lines[0], on_dataset, len(spec.seeds)):
                    ax.legend()
        return figure


KIND = Sweep()


def _models(stanza: dict) -> list[str]:
    return [cell.model for cell in cells.cells(stanza)]


def _name(stanza: dict) -> str:
    return cells.title(stanza["x"])


def _colored(line: list[Cell], lines: dict[str, list[Cell]]) -> str:
    """The model whose colour a line has: that which the grid varies, unless several lines vary it."""
    several = sum(other[0].of == line[0].of for other in lines.values()) > 1
    return line[len(line) // 2].model if several else line[0].of


def _scale(ax: "Axes", spec: SweepSpec) -> None:
    """The axis of the numbers, with a tick for each."""
    numbers = sorted({number for line in spec.lines for number in line.numbers})
    if numbers[0] > 0 and numbers[-1] >= WIDE * numbers[0]:
        ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{number:g}" for number in numbers])
    ax.minorticks_off()
    ax.set_xlabel(spec.x)


def _incomplete(line: Line, runs: pd.DataFrame, seeds: int) -> str:
    """What is missing of a line, for the legend; empty where nothing is."""
    counts = runs[runs["model"].isin(line.models)].groupby("model").size().reindex(line.models, fill_value=0)
    return "" if (counts == seeds).all() else f" (incomplete: {counts.sum()} of {seeds * len(counts)} runs)"


def _draw(ax: "Axes", line: Line, runs: pd.DataFrame, seeds: int) -> None:
    means = []
    for model, number in zip(line.models, line.numbers, strict=True):
        own = runs[runs["model"] == model].sort_values("seed")
        if own.empty:
            continue
        ax.scatter([number] * len(own), own["accuracy"], s=16, color=line.color, alpha=0.6, linewidths=0)
        mean, low, high = own["accuracy"].mean(), math.nan, math.nan
        if len(own) > 1:
            names = [f"{model}, seed {seed}" for seed in own["seed"]]
            mean, low, high = crossed_mean(of_same_images(list(own["right"]), names))
        means.append((number, mean, mean - low, high - mean))
    label = line.label + _incomplete(line, runs, seeds)
    x, y, below, above = zip(*means, strict=True) if means else ((), (), (), ())
    ax.errorbar(x, y, yerr=[below, above], color=line.color, label=label, capsize=3, marker="_")
