"""Holm's adjustment, against numbers by hand and by simulation."""

import gc
import math

import numpy as np
import pytest
from scipy import stats

from cnntention.reporting.statistics.multiple import holm


def test_holm_by_hand():
    # sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, none less than the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_one_comparison_stays_as_it_is_and_none_is_above_one():
    assert holm([0.04]) == [0.04]
    assert holm([0.6, 0.9]) == [1, 1]


def test_what_was_not_tested_does_not_count():
    adjusted = holm([math.nan, 0.02, math.nan, 0.5])
    assert adjusted[1::2] == pytest.approx([0.04, 0.5])
    assert all(map(math.isnan, adjusted[::2]))


@pytest.mark.parametrize("nothing", [[], [math.nan]])
def test_a_table_without_a_test_has_no_adjusted_value(nothing):
    assert [math.isnan(p) for p in holm(nothing)] == [True] * len(nothing)


def test_of_tables_in_which_nothing_differs_at_most_one_in_twenty_shows_something(monkeypatch):
    """2,000 tables of four models beside one baseline, five seeds, all equal; comparisons share the baseline."""
    monkeypatch.setattr(gc, "collect", lambda: 0)  # statsmodels calls it each time, a tenth of a second
    rng = np.random.default_rng(2)
    models, baseline = rng.normal(size=(2000, 4, 5)), rng.normal(size=(2000, 1, 5))
    p_values = stats.ttest_rel(models, np.broadcast_to(baseline, models.shape), axis=2).pvalue
    false = np.mean([min(holm(of_table)) < 0.05 for of_table in p_values.tolist()])
    plain = (p_values < 0.05).any(axis=1).mean()
    # five standard errors of a proportion of 0.05 over 2,000 tables are 0.024
    assert false <= 0.05 + 0.024
    assert plain > 0.1
