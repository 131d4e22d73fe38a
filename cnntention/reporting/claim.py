"""One claim, that a model is ahead of another or like it, and what runs say about it."""

import dataclasses
import math

import numpy as np
import pandas as pd

from cnntention.base.errors import StatisticsError
from cnntention.reporting.measures import MEASURES
from cnntention.reporting.selection import Labelled
from cnntention.reporting.statistics.comparison import Comparison, compare
from cnntention.reporting.statistics.images import images_difference, mcnemar


@dataclasses.dataclass(frozen=True)
class Claim:
    """That one model is ahead of another.

    Attributes:
        name: in the config.
        claim: for reading.
        source: where it stands.
        measure: one of :data:`MEASURES`, by which the models are compared.
        dataset: on which.
        split: see :mod:`cnntention.data.split`.
        model: claimed to be ahead.
        than: of this one.
        epochs: the first ones, over which an ``early_error`` is the mean.
        within: not who is ahead is claimed, but that the accuracies differ by at most so many points.
        published: the values of both models, in percent, seconds or counts.
        trained: epochs of the run that is trained by the shorter schedule; None: neither is trained here.
        schedule: epochs of that run's whole recipe, likewise.
    """

    name: str
    claim: str
    source: str
    measure: str
    dataset: Labelled
    split: str
    model: Labelled
    than: Labelled
    epochs: int | None
    within: float | None
    published: tuple[float, float] | None
    trained: int | None
    schedule: int | None

    @property
    def reservation(self) -> str:
        """Over what part of the schedule it is judged; nothing for all of it, or for what no schedule changes."""
        if not MEASURES[self.measure].sampled or self.trained is None or self.schedule is None:
            return ""
        if self.epochs:
            epochs = min(self.epochs, self.trained)
            return f"over the first {epochs} epochs" if epochs > 1 else "over the first epoch"
        return f"after {self.trained} of {self.schedule} epochs" if self.trained < self.schedule else ""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the runs say about one claim.

    Attributes:
        values: means of both models over the seeds that they share; NaN without any.
        seeds: that they share.
        images: that each run was judged by; NaN without any.
        comparison: of values that are better where they are higher; of no seed where nothing varies with it.
        over_images: ends of the interval over images, of one network each, on accuracy; else NaN.
        mcnemar: p-value of McNemar's exact test likewise.
    """

    values: tuple[float, float]
    seeds: int
    images: float
    comparison: Comparison
    over_images: tuple[float, float] = (math.nan, math.nan)
    mcnemar: float = math.nan

    def ahead(self, claim: Claim) -> bool:
        """Whether the model that is claimed to be ahead is, whatever the spread."""
        ours, theirs = self.values
        return ours > theirs if MEASURES[claim.measure].higher else ours < theirs


def finding(claim: Claim, runs: pd.DataFrame) -> Finding:
    """What runs say about a claim.

    Args:
        claim: of whatever runs.
        runs: see :func:`cnntention.reporting.runs.evaluations_in_detail`.

    Raises:
        StatisticsError: the runs of both models do not fit each other; the text names the claim.
    """
    try:
        return _finding(claim, runs)
    except StatisticsError as error:
        raise StatisticsError(f"claims.{claim.name}: {error}") from None


def _finding(claim: Claim, runs: pd.DataFrame) -> Finding:
    measure = MEASURES[claim.measure]
    of_both = runs[(runs["dataset"] == claim.dataset.name) & (runs["split"] == claim.split)]
    ours, theirs = (of_both[of_both["model"] == side.name].set_index("seed") for side in (claim.model, claim.than))
    shared = ours.index.intersection(theirs.index).sort_values()
    ours, theirs = ours.loc[shared], theirs.loc[shared]
    values = [[measure.value(run, claim.epochs) for _, run in side.iterrows()] for side in (ours, theirs)]
    if not len(shared):
        return Finding((math.nan, math.nan), 0, math.nan, compare([], []))
    sign = 1 if measure.higher else -1
    better = [[sign * value for value in side if measure.sampled] for side in values]
    claimed = sign * (claim.published[0] - claim.published[1]) if claim.published else math.nan
    found = Finding(
        values=(float(np.mean(values[0])), float(np.mean(values[1]))),
        seeds=len(shared),
        images=int(ours["n"].iloc[0]),
        comparison=compare(better[0], better[1], claimed, claim.within),
    )
    if claim.measure != "accuracy" or len(shared) > 1:
        return found
    right = ours["right"].iloc[0], theirs["right"].iloc[0]
    p = mcnemar(*right)  # first, since it refuses other images
    return dataclasses.replace(found, over_images=images_difference(*right)[1:], mcnemar=p)
