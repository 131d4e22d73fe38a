"""What models cost: in size, in training, and, where it is measured, when they answer."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from cnntention.base import layout, specs
from cnntention.base.layout import Run
from cnntention.data.card import Card
from cnntention.reporting.instruments import results as measured
from cnntention.reporting.instruments.spec import MeasuredBy, Measurements, measured_by
from cnntention.reporting.kinds import Study
from cnntention.reporting.runs import evaluation, evaluations_in_detail, history
from cnntention.training.specs import is_imported

INSTRUMENT = "latency"
KEY: dict[str, dict] = {
    "latency": {
        "type": ["string", "null"],
        "default": None,
        "description": f"of instruments, of kind {INSTRUMENT}; null: without what it measures",
    }
}
"""JSON schema of the key of a stanza that shows costs."""
FILES = (layout.EVAL, layout.HISTORY, layout.PREDICTIONS, layout.CARD)
"""Of a run."""
MEASURED = ("latency", "throughput", "memory")


@dataclasses.dataclass(frozen=True)
class Cost:
    """A cost as an axis; less is better.

    Attributes:
        title: with its unit.
        column: of :func:`read`.
        scale: the column is multiplied with.
        measured: whether :data:`INSTRUMENT` has to measure it.
    """

    title: str
    column: str
    scale: float = 1.0
    measured: bool = False


COSTS = {
    "parameters": Cost("parameters (thousands)", "parameters", 1e-3),
    "multiply_adds": Cost("multiply-adds of an image (millions)", "multiply_adds", 1e-6),
    "training": Cost("training (s per 1,000 images)", "training_s", 1000.0),
    "latency": Cost("latency of one image (ms)", "latency_1", measured=True),
    "batch_latency": Cost("latency of 128 images (ms)", "latency_128", measured=True),
    "memory": Cost("memory for 128 images (MB)", "memory_128", measured=True),
}
"""By the name that a config uses."""


def instruments(stanza: dict) -> list[str]:
    """The stanzas of instruments on which a stanza rests."""
    return [stanza["latency"]] if stanza.get("latency") else []


def problems(key: str, stanza: dict, config: dict) -> Iterator[str]:
    """What is wrong with the key :data:`KEY` of a stanza."""
    for name in instruments(stanza):
        kind = config["instruments"].get(name, {}).get("kind")
        if kind != INSTRUMENT:
            yield f"{key}.latency: no instrument '{name}' of kind {INSTRUMENT} in instruments"


def details(stanza: dict, study: Study) -> dict:
    """The field ``latency`` of a spec, in plain values: a :class:`MeasuredBy` or None."""
    found = [specs.plain(measured_by(name, study.config)) for name in instruments(stanza)]
    return {"latency": found[0] if found else None}


def read(folder: str, runs: dict[str, str], latency: MeasuredBy | None) -> pd.DataFrame:
    """Evaluations as of :func:`.evaluations_in_detail`, with more columns, NaN where nothing is known.

    ``training_s``: median time of an epoch by its images, with the evaluation after it; of the instrument:
    ``latency_1``, ``latency_128`` (ms), ``throughput_1``, ``throughput_128`` (images/s), ``memory_1``, ``memory_128``
    (MB), ``measured_on``.

    Args:
        folder: of the results.
        runs: the digest of each run's spec, by the run's name.
        latency: by which stanza it is measured; None: by none.

    Raises:
        DataError: a file is damaged.
    """
    frame = evaluations_in_detail(folder, runs)
    names = [Run(*own) for own in frame[["dataset", "model", "split", "seed"]].itertuples(index=False)]
    frame["training_s"] = [_seconds_per_image(folder, run) for run in names]
    keys = [f"{name}_{batch}" for name in MEASURED for batch in (1, 128)]
    found: dict[str, dict] = {}
    if latency:
        numbers = measured.read(folder, Measurements(latency.name, latency.instrument, runs)).numbers
        for row in numbers.to_dict("records"):
            own = found.setdefault(f"{row['dataset']}/{row['model']}/{row['seed']}", {"measured_on": row["device"]})
            own[f"{row['name']}_{row['batch']}"] = row["value"]
    for key in (*keys, "measured_on"):
        missing = "" if key == "measured_on" else math.nan
        frame[key] = [found.get(f"{run.dataset}/{run.model}/{run.seed}", {}).get(key, missing) for run in names]
    return frame


def _seconds_per_image(folder: str, run: Run) -> float:
    """Of training; NaN for a network that was trained elsewhere."""
    made = evaluation(run.path(layout.EVAL, folder))["spec"]
    if is_imported(made):
        return math.nan
    images = Card.read(run.path(layout.CARD, folder)).images["train"] - made["validation_images"]
    return float(np.median([epoch["seconds"] for epoch in history(run.path(layout.HISTORY, folder))])) / images


def frontier(costs: Sequence[float], values: Sequence[float]) -> list[int]:
    """The Pareto frontier: positions of those that no other beats, by ascending cost.

    One beats another that costs no less and is worth no more, and differs in one of both; of equals the first stays.
    """
    best, found = -math.inf, []
    for position in sorted(range(len(costs)), key=lambda position: (costs[position], -values[position])):
        if values[position] > best:
            best = values[position]
            found.append(position)
    return found
