"""How far the maps of two models agree, and how far those of two seeds of one model do."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from cnntention.instruments import maps as cam
from cnntention.instruments.contract import Number
from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.selection import Labelled

OTHER_SEED = "itself, another seed"
AGREEMENT, LEAD = "agreement", "seeds' lead"

Statistic = Callable[["Agreements"], np.ndarray | None]


def compare(spec: StanzaSpec, measured: Measured) -> pd.DataFrame:
    """A row for each model beside itself and beside each other one, as far as there are runs.

    Two models are compared with runs of different seeds, as one model is with itself: runs of one seed begin with the
    same trunk and see the same batches. Where there is one seed only, it is that one's.
    """
    rows: list[dict] = []
    for dataset in spec.datasets:
        found = Agreements.read(spec, measured, dataset.name)
        for model in spec.models:
            own = {"dataset": dataset.name, "model": model.name, "seeds": found.seeds(model.name)}
            for other in [model, *(each for each in spec.models if each != model)]:
                rows += _beside(own, found.of(model.name, other.name), model, other)
    return pd.DataFrame(rows)


def _beside(own: dict, found: "Agreements", model: Labelled, other: Labelled) -> list[dict]:
    def agreement(given: "Agreements") -> np.ndarray | None:
        return given.between(model.name, other.name)

    def lead(given: "Agreements") -> np.ndarray | None:
        first, second = given.between(model.name, model.name), given.between(other.name, other.name)
        across = agreement(given)
        return None if first is None or second is None or across is None else (first + second) / 2 - across

    if model == other:
        return _row(own, OTHER_SEED, AGREEMENT, found, agreement)
    return _row(own, other.label, AGREEMENT, found, agreement) + _row(own, other.label, LEAD, found, lead)


class Agreements:
    """Of all runs on one dataset with each other.

    Args:
        runs: model and seed of each.
        correlations: float ``[runs, runs, N]``, of each image's maps.
    """

    def __init__(self, runs: list[tuple[str, int]], correlations: np.ndarray):
        self.runs = runs
        self.correlations = correlations

    @classmethod
    def read(cls, spec: StanzaSpec, measured: Measured, dataset: str) -> "Agreements":
        """Of the runs that are measured."""
        runs = [run for run in measured.runs(spec.split) if run.dataset == dataset]
        ranks = [cam.standard_ranks(measured.arrays(run)["maps"].astype(np.float32)) for run in runs]
        if not runs:
            return cls([], np.empty((0, 0, 0)))
        correlations = np.array([[cam.correlation(one, other) for other in ranks] for one in ranks])
        return cls([(run.model, run.seed) for run in runs], correlations)

    def of(self, *models: str) -> "Agreements":
        """Those of some models alone."""
        return self._kept([place for place, (model, _) in enumerate(self.runs) if model in models])

    def seeds(self, model: str) -> int:
        """How many runs of a model there are."""
        return sum(name == model for name, _ in self.runs)

    def between(self, model: str, other: str) -> np.ndarray | None:
        """Mean over pairs of their runs, ``[N]``; None: there is no pair."""
        single = len({seed for _, seed in self.runs}) == 1
        pairs = [
            self.correlations[i, j]
            for i, (one, seed) in enumerate(self.runs)
            for j, (two, another) in enumerate(self.runs)
            if (one, two) == (model, other) and i != j and (single or seed != another)
        ]
        return np.mean(pairs, axis=0) if pairs else None

    def without_each_seed(self) -> list["Agreements"]:
        """For each seed, all runs but those of it."""
        seeds = sorted({seed for _, seed in self.runs})
        return [self._kept([place for place, (_, own) in enumerate(self.runs) if own != seed]) for seed in seeds]

    def _kept(self, places: list[int]) -> "Agreements":
        return Agreements([self.runs[place] for place in places], self.correlations[np.ix_(places, places)])


def _row(own: dict, beside: str, name: str, found: Agreements, statistic: Statistic) -> list[dict]:
    """One number with its interval over images and seeds, or none where runs are missing.

    Over images it is that of a mean; over seeds that of the jackknife, with Student's t: from three seeds on, since
    each seed that is left out has to leave a pair. Both are added in squares. Two seeds leave no interval.
    """
    values = statistic(found)
    if values is None:
        return []
    number = Number.over_images(name, "", values)
    over_images = 0.0 if number.low is None else number.value - number.low
    half = math.hypot(over_images, over_seeds([statistic(part) for part in found.without_each_seed()]))
    return [
        own
        | {"beside": beside, "name": name, "unit": "", "value": number.value}
        | {"low": number.value - half, "high": number.value + half, "std": math.nan, "spread": number.spread}
    ]


def over_seeds(left: list[np.ndarray | None]) -> float:
    """Half of the 95% interval over seeds, from the numbers without each of them; 0 of one seed, NaN: not known."""
    if len(left) == 1:
        return 0.0
    means = [float(values.mean()) for values in left if values is not None]
    if len(means) < max(3, len(left)):
        return math.nan
    from scipy import stats

    error = math.sqrt((len(means) - 1) * float(np.var(means)))
    return float(stats.t.ppf(0.975, len(means) - 1)) * error
