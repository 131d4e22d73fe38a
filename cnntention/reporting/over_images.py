"""What a table of accuracy says about images besides seeds: intervals, shares of variance, a test of two networks."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from cnntention.base.words import NONE
from cnntention.reporting.statistics.crossed import crossed_difference
from cnntention.reporting.statistics.images import images_difference, mcnemar
from cnntention.reporting.statistics.samples import of_same_images
from cnntention.reporting.statistics.seeds import correlation
from cnntention.reporting.statistics.variance import components, shares

CROSSED = ("to_reference_crossed_low", "to_reference_crossed_high")
ONE_EACH = ("to_reference_images_low", "to_reference_images_high", "p_mcnemar")
OTHERS = ("share_seeds", "share_images", "share_residual", "correlation")


def over_images(table: str, model: str, reference: str | None, runs: pd.DataFrame) -> dict[str, float]:
    """The fields of a row: NaN where there are too few seeds for what they say, or too many.

    Args:
        table: its name, for messages.
        model: of the row.
        reference: that it is compared with; None: none.
        runs: on the row's dataset, by seed, see :func:`cnntention.reporting.runs.evaluations_in_detail`.

    Raises:
        StatisticsError: runs were judged on different images; the text names table and runs.
    """
    found = dict.fromkeys((*CROSSED, *ONE_EACH, *OTHERS), math.nan)
    own, theirs = (runs[runs["model"] == name] for name in (model, reference))
    if len(own) > 1:
        right = _right(table, own)
        parts = shares(components(right), *right.shape)
        found |= {f"share_{name}": value for name, value in dataclasses.asdict(parts).items()}
    shared = own.index.intersection(theirs.index)
    if model == reference or not len(shared):
        return found
    both = _right(table, pd.concat([own.loc[shared], theirs.loc[shared]]))
    if len(shared) == 1:
        _, low, high = images_difference(*both)
        return found | dict(zip(ONE_EACH, (low, high, mcnemar(*both)), strict=True))
    _, *ends = crossed_difference(both[: len(shared)], both[len(shared) :])
    found |= dict(zip(CROSSED, ends, strict=True))
    if len(shared) > 2:
        found["correlation"], _, _ = correlation(own.loc[shared, "accuracy"], theirs.loc[shared, "accuracy"])
    return found


def columns(rows: list[dict]) -> dict[str, list[str]]:
    """What of it a table shows, by heading."""
    crossed = [_interval(*(row[end] for end in CROSSED)) for row in rows]
    one_each = [_interval(*(row[end] for end in ONE_EACH[:2])) for row in rows]
    tests = [row["p_mcnemar"] for row in rows]
    return {
        "over seeds and images": crossed,
        "over images": one_each,
        "McNemar's p": [NONE if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}" for p in tests],
    }


def notes(rows: Iterable[dict]) -> list[str]:
    """What the columns mean, as far as they hold something."""
    rows = list(rows)
    found = []
    if any(not math.isnan(row[CROSSED[0]]) for row in rows):
        found.append(
            "Over seeds and images: the 95% interval of the same Δ for other seeds and other images of this kind "
            "(crossed bootstrap)."
        )
    if any(not math.isnan(row["p_mcnemar"]) for row in rows):
        found.append(
            "Over images: the 95% interval of the same Δ for other images of this kind (Agresti and Min 2005); "
            "McNemar's p is that of the exact test on these images. "
            "Both are about these two networks, not about their models."
        )
    return found


def _right(table: str, runs: pd.DataFrame) -> np.ndarray:
    """bool ``[runs, images]``."""
    names = [f"{table}: {run.dataset}, {run.model}, seed {seed}" for seed, run in runs.iterrows()]
    return of_same_images(list(runs["right"]), names)


def _interval(low: float, high: float) -> str:
    return NONE if math.isnan(low) else f"[{low:+.2f}, {high:+.2f}]"
