"""Two factors: against the textbook's sums of squares, scipy's F, and simulation."""

import numpy as np
import pytest
from scipy import stats

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.factorial import two_way


def made(rows=(0.0, 1.0), columns=(0.0, 2.0, 4.0), interaction=0.0, spread=0.5, seeds=4, draw=0) -> np.ndarray:
    rng = np.random.default_rng(draw)
    table = 90 + np.add.outer(np.add.outer(rows, columns), rng.normal(0, 0.3, seeds))
    table[0, 0] += interaction
    return table + rng.normal(0, spread, table.shape)


def test_the_sums_of_squares_are_those_of_the_balanced_layout():
    table = made(interaction=1.0)
    a, b, n = table.shape
    mean = table.mean()
    rows = b * n * ((table.mean((1, 2)) - mean) ** 2).sum()
    columns = a * n * ((table.mean((0, 2)) - mean) ** 2).sum()
    cells = n * ((table.mean(2) - mean) ** 2).sum()
    seeds = a * b * ((table.mean((0, 1)) - mean) ** 2).sum()
    residual = ((table - mean) ** 2).sum() - cells - seeds
    found = two_way(table)
    for effect, squares, freedom in (
        (found.rows, rows, a - 1),
        (found.columns, columns, b - 1),
        (found.interaction, cells - rows - columns, (a - 1) * (b - 1)),
        (found.seeds, seeds, n - 1),
        (found.residual, residual, (a * b - 1) * (n - 1)),
    ):
        assert (effect.squares, effect.freedom) == (pytest.approx(squares), freedom)
    f = (columns / (b - 1)) / (residual / found.residual.freedom)
    assert found.columns.p == pytest.approx(stats.f.sf(f, b - 1, found.residual.freedom))


def test_main_effects_are_deviations_of_means_and_add_up_to_zero():
    table = made()
    found = two_way(table)
    effects = [level.effect for level in found.column_levels]
    assert effects == pytest.approx(table.mean((0, 2)) - table.mean())
    assert sum(effects) == pytest.approx(0, abs=1e-9)
    a, b, n = table.shape
    error = np.sqrt(found.residual.squares / found.residual.freedom * (b - 1) / (a * b * n))
    half = stats.t.ppf(0.975, found.residual.freedom) * error
    for level in found.column_levels:
        assert (level.low, level.high) == (pytest.approx(level.effect - half), pytest.approx(level.effect + half))


def test_where_nothing_has_an_effect_one_in_twenty_is_found_and_no_share_is_expected():
    found = [two_way(made(rows=(0, 0), columns=(0, 0, 0), seeds=3, draw=draw)) for draw in range(60)]
    for effect in ("rows", "columns", "interaction"):
        p = np.array([getattr(each, effect).p for each in found])
        assert (p < 0.05).mean() <= 0.15
        assert np.mean([getattr(each, effect).share for each in found]) < 0.08


def test_shares_are_of_the_whole_variance():
    found = two_way(made(columns=(0.0, 3.0, 6.0), spread=0.1))
    parts = (found.rows, found.columns, found.interaction, found.seeds, found.residual)
    assert sum(part.share for part in parts) == pytest.approx(1, abs=0.01)
    assert found.columns.share > 0.9


def test_without_spread_nothing_is_tested():
    found = two_way(np.full((2, 2, 3), 90.0))
    assert np.isnan([found.rows.p, found.columns.f, found.interaction.p]).all()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (np.zeros((2, 3, 1)), "needs 2 seeds or more, here is 1"),
        (np.zeros((1, 3, 2)), "two levels or more of both factors"),
        (np.full((2, 2, 2), np.nan), "a finite value for each cell and seed"),
    ],
)
def test_what_does_not_suffice_is_refused(table, said):
    with pytest.raises(StatisticsError, match=said):
        two_way(table)
