"""Two factors at once: what each changes, what both change only together, and what is left to seeds."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.samples import enough


@dataclasses.dataclass(frozen=True)
class Effect:
    """One source of variance.

    Attributes:
        squares: sum of squares.
        freedom: degrees of freedom.
        f: mean square by that of the residual; NaN for the residual, and where nothing is left to it.
        p: of the F-test; likewise.
        share: of the variance, by omega squared, which expects 0 of what has no effect (Hays 1963); an estimate below
            zero counts as zero. For the residual, what the others leave.
    """

    squares: float
    freedom: int
    f: float
    p: float
    share: float


@dataclasses.dataclass(frozen=True)
class Level:
    """The main effect of a level: how far its mean lies from that of all levels, with the interval's ends."""

    effect: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class TwoWay:
    """An analysis of variance of two factors, with seeds as blocks.

    Attributes:
        rows: main effect of the first factor.
        columns: that of the second one.
        interaction: what the levels of one factor change only together with those of the other.
        seeds: what seeds change alike in all cells.
        residual: what is left.
        row_levels: main effect of each level of the first factor.
        column_levels: likewise of the second one.
    """

    rows: Effect
    columns: Effect
    interaction: Effect
    seeds: Effect
    residual: Effect
    row_levels: tuple[Level, ...]
    column_levels: tuple[Level, ...]


def two_way(values: ArrayLike, confidence: float = 0.95) -> TwoWay:
    """Analysis of variance of accuracies that two factors and the seed decide, one training a cell and seed.

    Fixed effects by least squares (statsmodels): y = rows x columns + seed. The seed is a block, since all cells of a
    seed share what it decides. With one value for each cell and seed the design is balanced, so that the sums of
    squares add up and no order of the effects matters.

    Args:
        values: shape ``[rows, columns, seeds]``, two or more of each.
        confidence: of the intervals of main effects (t).

    Raises:
        StatisticsError: another shape, fewer than two levels or seeds, or a value that is not a finite number.
    """
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    table = np.asarray(values, dtype=float)
    purpose = "an analysis of variance"
    if table.ndim != 3 or min(table.shape[:2]) < 2:
        raise StatisticsError(f"{purpose} needs two levels or more of both factors, not {table.shape}")
    enough(table.shape[2], 2, purpose)
    if not np.isfinite(table).all():
        raise StatisticsError(f"{purpose} needs a finite value for each cell and seed")
    row, column, seed = (indices.ravel() for indices in np.indices(table.shape))
    frame = pd.DataFrame({"y": table.ravel(), "row": row, "column": column, "seed": seed})
    fitted = ols("y ~ C(row, Sum) * C(column, Sum) + C(seed, Sum)", frame).fit()
    found = anova_lm(fitted)
    residual = found.loc["Residual"]
    square = residual["sum_sq"] / residual["df"]
    total = found["sum_sq"].sum()
    spread = square > 1e-18 * max(1.0, float(np.abs(table).max()) ** 2)

    def effect(name: str) -> Effect:
        squares, freedom = found.loc[name, "sum_sq"], int(found.loc[name, "df"])
        share = max(0.0, (squares - freedom * square) / (total + square)) if total else math.nan
        f, p = found.loc[name, ["F", "PR(>F)"]] if spread else (math.nan, math.nan)
        return Effect(float(squares), freedom, float(f), float(p), float(share))

    of_rows, of_columns = effect("C(row, Sum)"), effect("C(column, Sum)")
    interaction, seeds = effect("C(row, Sum):C(column, Sum)"), effect("C(seed, Sum)")
    left = 1 - sum(each.share for each in (of_rows, of_columns, interaction, seeds))
    return TwoWay(
        rows=of_rows,
        columns=of_columns,
        interaction=interaction,
        seeds=seeds,
        residual=Effect(float(residual["sum_sq"]), int(residual["df"]), math.nan, math.nan, max(0.0, left)),
        row_levels=_levels(fitted, "row", table.shape[0], confidence),
        column_levels=_levels(fitted, "column", table.shape[1], confidence),
    )


def _levels(fitted: Any, factor: str, count: int, confidence: float) -> tuple[Level, ...]:
    """The main effect of each level; they add up to zero, so that the last one follows from the others."""
    names = list(fitted.params.index)
    places = [names.index(f"C({factor}, Sum)[S.{level}]") for level in range(count - 1)]
    contrasts: NDArray[np.float64] = np.zeros((count, len(names)))
    contrasts[range(count - 1), places] = 1
    contrasts[-1, places] = -1
    tested = fitted.t_test(contrasts)
    ends = tested.conf_int(1 - confidence)
    return tuple(Level(*map(float, of)) for of in zip(tested.effect, ends[:, 0], ends[:, 1], strict=True))
