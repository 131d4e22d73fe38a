"""Which samples are refused, and what is said of them."""

import math

import numpy as np
import pytest

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.samples import of_same_images, outcome_differences, pairs


def test_runs_on_the_same_images_are_rows():
    found = of_same_images([[True, False, True], [False, False, True]], ["baseline, seed 10", "baseline, seed 11"])
    assert found.tolist() == [[True, False, True], [False, False, True]]


def test_a_run_on_other_images_is_named():
    with pytest.raises(StatisticsError, match="mha, seed 11: evaluated on other images than mha, seed 10"):
        of_same_images([[True, False], [True]], ["mha, seed 10", "mha, seed 11"])


def test_a_difference_of_outcomes_is_gained_lost_or_the_same():
    found = outcome_differences([[True, True, False, False]], [[True, False, True, False]], 1, "this")
    assert found.tolist() == [[0, 1, -1, 0]]


@pytest.mark.parametrize(
    ("values", "reference", "message"),
    [
        ([1, 2, 3], [1, 2], r"^this needs one value per seed of each model, but the shapes are \(3,\) and \(2,\)"),
        ([[1, 2]], [[1, 2]], "one value per seed"),
        ([1], [2], "^this needs 2 seeds or more, here is 1$"),
        ([], [], "^this needs 2 seeds or more, here are 0$"),
        ([1, math.nan, 3], [1, 2, 3], "finite values, seed number 2 has none"),
        ([1, 2, 3], [1, 2, math.inf], "seed number 3"),
    ],
)
def test_values_that_make_no_pairs_are_refused(values, reference, message):
    with pytest.raises(StatisticsError, match=message):
        pairs(values, reference, 2, "this")


def test_pairs_are_one_row_a_model():
    assert np.array_equal(pairs((1, 2), (3, 4), 2, "this"), [[1, 2], [3, 4]])
