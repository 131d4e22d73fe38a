"""Tables of two factors, such as recipe and model: the accuracy of each cell, and what each factor explains."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.base.words import NONE
from cnntention.data.split import judging_part
from cnntention.reporting import captions, cells, selection
from cnntention.reporting.cells import Factor
from cnntention.reporting.kinds import Study
from cnntention.reporting.notes import incomplete, trained
from cnntention.reporting.selection import Labelled
from cnntention.reporting.statistics.factorial import Effect, Level, TwoWay, two_way
from cnntention.reporting.statistics.seeds import mean_std, paired_difference
from cnntention.reporting.table import Table, interval, spread
from cnntention.reporting.tables.kind import TableKind, TableSpec


@dataclasses.dataclass(frozen=True)
class FactorialSpec(TableSpec):
    """What a table of two factors depends on.

    Attributes:
        dataset: on which all models are trained.
        split: see :mod:`cnntention.data.split`.
        rows: the first factor.
        columns: the second one.
        models: names, a row for each level of the first factor, in it one for each of the second.
        own: of each row, the column in which a model of the config stands as it is; None: none of them.
        seeds: of the runs of each model.
    """

    dataset: Labelled
    split: str
    rows: Factor
    columns: Factor
    models: tuple[tuple[str, ...], ...]
    own: tuple[int | None, ...]
    seeds: tuple[int, ...]


class Factorial(TableKind[FactorialSpec]):
    """A row for each level of one factor, a column for each of the other; below, how much each of them explains.

    The factors are those of a grid, two of them: its models, where it has several, and each key of several values.
    """

    spec_class = FactorialSpec
    required = ("grid", "dataset", "split")
    keys: ClassVar[dict[str, dict]] = {
        "grid": {"$ref": "#/$defs/name", "description": "of grids; it varies two of these: models, and values of keys"},
        "dataset": {"$ref": "#/$defs/name", "description": "on which the models of the grid are compared"},
        "split": selection.KEYS["split"],
    }

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(_selection(stanza), seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from unknown(f"{key}.dataset", stanza["dataset"], config["datasets"])
        yield from selection.impossible(key, _selection(stanza)["models"], stanza["split"], [stanza["dataset"]], config)
        if stanza["grid"] not in config["grids"]:
            yield from unknown(f"{key}.grid", stanza["grid"], config["grids"])
        else:
            varied = [factor.name for factor in cells.factors(cells.cells(stanza), config)]
            if len(varied) != 2:
                yield f"{key}.grid: {stanza['grid']} varies {', '.join(varied) or 'nothing'}; two factors are needed"
        if len(config["seeds"]) < 2:
            yield f"{key}: an analysis of variance needs 2 seeds or more, and seeds has one"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        of_grid = cells.cells(stanza)
        rows, columns = cells.factors(of_grid, study.config)
        models = [[""] * len(columns.levels) for _ in rows.levels]
        own: list[int | None] = [None] * len(rows.levels)
        for cell in of_grid:
            levels = cells.levels(cell, study.config)
            row, column = (factor.levels.index(levels[factor.name]) for factor in (rows, columns))
            models[row][column] = cell.model
            if cell.model == cell.of:
                own[row] = column
        return {
            "dataset": selection.labelled("datasets", stanza["dataset"], study.config),
            "split": stanza["split"],
            **{key: dataclasses.asdict(factor) for key, factor in (("rows", rows), ("columns", columns))},
            "models": models,
            "own": own,
            "seeds": study.config["seeds"],
        }

    def caption(self, spec: FactorialSpec) -> str:
        factors = f"{spec.rows.name} and {spec.columns.name}"
        return f"{spec.caption}. Accuracy by {factors}, {captions.seeds(spec.seeds)}, and how much each explains."

    def build(self, spec: FactorialSpec, runs: pd.DataFrame) -> Table:
        accuracies = _accuracies(spec, runs)
        whole = accuracies[:, :, ~np.isnan(accuracies).any((0, 1))]
        found = two_way(whole) if whole.shape[2] > 1 else None
        shown = pd.DataFrame(_shown(spec, accuracies, found), columns=_header(spec))
        notes = _notes(spec, runs, found, whole.shape[2]) + _parts(spec, whole) + trained(runs)
        complete = (~np.isnan(accuracies)).all(2)
        return Table(
            _data(spec, accuracies, found), shown, spec.caption, notes + incomplete(complete.ravel()), spec.name
        )


KIND = Factorial()


def _selection(stanza: dict) -> dict:
    """The runs of a stanza, as the keys of a selection."""
    models = [cell.model for cell in cells.cells(stanza)]
    return {"datasets": [stanza["dataset"]], "split": stanza["split"], "models": models}


def _accuracies(spec: FactorialSpec, runs: pd.DataFrame) -> NDArray[np.float64]:
    """In percent, ``[rows, columns, seeds]``; NaN where a run is missing."""
    known = {(run["model"], run["seed"]): run["accuracy"] for _, run in runs.iterrows()}
    return np.array(
        [[[known.get((model, seed), math.nan) for seed in spec.seeds] for model in row] for row in spec.models],
        dtype=float,
    )


def _of_cell(accuracies: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation over the seeds that are there; NaN without any."""
    there = accuracies[~np.isnan(accuracies)]
    return mean_std(there) if len(there) else (math.nan, math.nan)


def _header(spec: FactorialSpec) -> list[str]:
    return [spec.rows.name.capitalize(), *spec.columns.levels, "Main effect [95%]"]


def _shown(spec: FactorialSpec, accuracies: NDArray[np.float64], found: TwoWay | None) -> list[list[str]]:
    rows = []
    for number_of_row, level in enumerate(spec.rows.levels):
        of_cells = [_of_cell(cell) for cell in accuracies[number_of_row]]
        means = ["missing" if math.isnan(mean) else spread(mean, std, ".2f") for mean, std in of_cells]
        rows.append([level, *means, _shown_level(found.row_levels[number_of_row] if found else None)])
    levels = found.column_levels if found else [None] * len(spec.columns.levels)
    return [*rows, ["Main effect [95%]", *map(_shown_level, levels), NONE]]


def _shown_level(level: Level | None) -> str:
    return interval(level.effect, level.low, level.high, "+.2f") if level else NONE


def _effects(spec: FactorialSpec, found: TwoWay) -> dict[str, Effect]:
    return {
        spec.columns.name: found.columns,
        spec.rows.name: found.rows,
        f"{spec.rows.name} x {spec.columns.name}": found.interaction,
        "seed": found.seeds,
        "what is left": found.residual,
    }


def _data(spec: FactorialSpec, accuracies: NDArray[np.float64], found: TwoWay | None) -> pd.DataFrame:
    """Of each cell, each main effect and each source of variance a row."""
    rows: list[dict[str, Any]] = []
    for row, of_row in zip(spec.rows.levels, accuracies, strict=True):
        for column, cell in zip(spec.columns.levels, of_row, strict=True):
            mean, std = _of_cell(cell)
            seeds = int((~np.isnan(cell)).sum())
            rows.append({"row": row, "column": column, "accuracy": mean, "accuracy_std": std, "seeds": seeds})
    if found:
        for factor, levels, key in (
            (spec.rows, found.row_levels, "row"),
            (spec.columns, found.column_levels, "column"),
        ):
            rows += [{key: name} | dataclasses.asdict(level) for name, level in zip(factor.levels, levels, strict=True)]
        rows += [{"source": name} | dataclasses.asdict(effect) for name, effect in _effects(spec, found).items()]
    data = pd.DataFrame(rows)
    data["seeds"] = data["seeds"].astype("Int64")
    return data


def _notes(spec: FactorialSpec, runs: pd.DataFrame, found: TwoWay | None, seeds: int) -> list[str]:
    images = "" if runs.empty else f" of {runs['n'].iloc[0]:,} images"
    notes = [
        f"{judging_part(spec.split).capitalize()} accuracy in percent{images} of {spec.dataset.label}, mean ± standard "
        f"deviation over seeds {', '.join(map(str, spec.seeds))}; final-epoch weights."
    ]
    if not found:
        return [*notes, f"No analysis of variance: it needs 2 seeds that all cells have, and here {seeds} have all."]
    sources = ", ".join(
        f"{name} {effect.share:.0%}{'' if math.isnan(effect.p) else _tested(effect, found)}"
        for name, effect in _effects(spec, found).items()
    )
    if seeds < len(spec.seeds):
        notes.append(f"Tested on the {seeds} seeds that all cells have.")
    return [
        *notes,
        f"Share of the variance: {sources}. By an analysis of variance with seeds as blocks (omega squared, F-tests).",
        "Main effect: how far the mean of a row or column lies from the mean of all, with its 95% interval (t).",
    ]


def _tested(effect: Effect, found: TwoWay) -> str:
    p = "p < 0.001" if effect.p < 0.001 else f"p = {effect.p:.3f}"
    return f" (F({effect.freedom}, {found.residual.freedom}) = {effect.f:.1f}, {p})"


def _parts(spec: FactorialSpec, whole: NDArray[np.float64]) -> list[str]:
    """How much of a difference between two models as they are is due to either factor.

    They differ from the first row's in both; between them stands the first row's model in the other's column.
    """
    first = spec.own[0]
    notes = []
    for row, own in enumerate(spec.own):
        if row == 0 or first is None or own in (None, first) or not whole.shape[2]:
            continue
        base, between, other = whole[0, first], whole[0, own], whole[row, own]
        total, of_column, of_row = (
            interval(*paired_difference(*sides), "+.2f") for sides in ((other, base), (between, base), (other, between))
        )
        notes.append(
            f"{spec.rows.levels[row]} ({spec.columns.levels[own]}) beside {spec.rows.levels[0]} "
            f"({spec.columns.levels[first]}): {total}, of which {of_column} is the {spec.columns.name}'s and {of_row} "
            f"the {spec.rows.name}'s."
        )
    return notes
