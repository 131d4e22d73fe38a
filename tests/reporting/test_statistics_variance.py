"""Variance components, against statsmodels' analysis of variance and against data of known components."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.variance import Parts, components, shares


def test_components_are_those_of_an_analysis_of_variance():
    rng = np.random.default_rng(0)
    right = rng.random((4, 30)) < ndtr(rng.normal(0, 1, 30) + rng.normal(0, 1, (4, 1)))
    seeds, images = np.indices(right.shape)
    cells = pd.DataFrame({"y": right.ravel().astype(float), "seed": seeds.ravel(), "image": images.ravel()})
    table = anova_lm(ols("y ~ C(seed) + C(image)", cells).fit())
    of_seeds, of_images, residual = table["sum_sq"] / table["df"]
    parts = components(right)
    assert parts.seeds == pytest.approx((of_seeds - residual) / 30)
    assert parts.images == pytest.approx((of_images - residual) / 4)
    assert parts.residual == pytest.approx(residual)


def test_known_components_are_found():
    """Outcomes of probability 1/2 + seed + image, each uniform: variances 0.2**2/3, 0.25**2/3, and what is left."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(50):
        chance = 0.5 + rng.uniform(-0.2, 0.2, (40, 1)) + rng.uniform(-0.25, 0.25, 400)
        parts = components(rng.random((40, 400)) < chance)
        found.append((parts.seeds, parts.images, parts.residual))
    seeds, images = 0.2**2 / 3, 0.25**2 / 3
    error = np.std(found, axis=0) / math.sqrt(50)
    assert (np.abs(np.mean(found, axis=0) - (seeds, images, 0.25 - seeds - images)) < 5 * error).all()


def test_networks_that_are_right_on_the_same_images_differ_in_nothing():
    right = np.tile(np.arange(100) < 90, (5, 1))
    parts = components(right)
    assert (parts.seeds, parts.residual) == pytest.approx((0, 0))
    assert parts.images == pytest.approx(0.9 * 0.1 * 100 / 99)
    assert shares(parts, seeds=1, images=100).images == pytest.approx(1)


def test_seeds_that_do_not_differ_more_than_chance_have_no_variance():
    """Each seed is right on another tenth: all have the same accuracy, so that the estimate would be below zero."""
    parts = components(np.eye(10, dtype=bool))
    assert parts.seeds == parts.images == 0
    assert parts.residual > 0


def test_shares_of_one_run_and_of_the_mean_of_many():
    parts = Parts(seeds=1.0, images=200.0, residual=100.0)
    assert shares(parts, seeds=1, images=100) == pytest.approx(Parts(0.25, 0.5, 0.25))
    assert shares(parts, seeds=10, images=100) == pytest.approx(Parts(0.1 / 2.2, 2 / 2.2, 0.1 / 2.2))


def test_where_nothing_varies_there_are_no_shares():
    assert all(math.isnan(share) for share in vars(shares(Parts(0, 0, 0), 3, 100)).values())


@pytest.mark.parametrize(
    ("right", "message"),
    [
        (np.ones((1, 5), bool), "2 seeds or more, here is 1"),
        (np.ones(5, bool), r"\[seeds, images\].*\(5,\)"),
        (np.ones((3, 1), bool), "2 images or more"),
        ([[1, 0], [math.nan, 1]], "right or wrong"),
        ([[0.9, 0], [0, 1]], "right or wrong"),
    ],
)
def test_what_no_analysis_can_be_made_of_is_refused(right, message):
    with pytest.raises(StatisticsError, match=message):
        components(right)
