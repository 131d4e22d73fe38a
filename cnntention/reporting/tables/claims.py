"""Tables of claims: what somebody said of two models, what was found here, and what that shows."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from cnntention.base.words import NONE, duration
from cnntention.reporting.statistics.images import images_difference
from cnntention.reporting.statistics.seeds import paired_difference
from cnntention.reporting.statistics.verdict import verdict
from cnntention.reporting.tables.notes import trained
from cnntention.reporting.tables.table import Table, count, interval, number


@dataclasses.dataclass(frozen=True)
class Measure:
    """What a claim compares two models by.

    Attributes:
        higher: whether the model that is claimed to be ahead has the higher value.
        sampled: whether the value varies from seed to seed.
        value: of a run and a claim.
        shown: a value for reading.
        difference: of two values, in the unit in which it is shown.
        form: of a difference.
    """

    higher: bool
    sampled: bool
    value: Callable[[pd.Series, dict], float]
    shown: Callable[[float], str]
    difference: Callable[[float, float], float]
    form: str

    @property
    def unit(self) -> str:
        """Behind a difference."""
        return "%" if self.difference is _percent else ""


def _points(a: float, b: float) -> float:
    return a - b


def _percent(a: float, b: float) -> float:
    return 100 * (a / b - 1)


def _early_error(run: pd.Series, claim: dict) -> float:
    return float(np.mean(run["errors"][: claim["epochs"]]))


MEASURES = {
    "accuracy": Measure(True, True, lambda run, claim: run["accuracy"], "{:.2f}%".format, _points, "+.2f"),
    "early_error": Measure(False, True, _early_error, "{:.2f}%".format, _points, "+.2f"),
    "seconds": Measure(False, False, lambda run, claim: run["seconds"], duration, _percent, "+.0f"),
    "multiply_adds": Measure(
        False, False, lambda run, claim: run["multiply_adds"], lambda value: f"{value / 1e6:.1f} M", _percent, "+.1f"
    ),
    "parameters": Measure(False, False, lambda run, claim: run["parameters"], "{:,.0f}".format, _points, "+,.0f"),
}
"""By the name that a config uses. Multiply-adds: of one image, forward."""


def build(spec: dict, runs: pd.DataFrame) -> Table:
    """One row a claim: both models' values, the difference with its interval, the claimed one, and a verdict.

    With several seeds the interval is over the seeds that both models share. With one seed it is over images, which
    says nothing of the models, only of these two networks: such a claim counts as not testable.

    Args:
        spec: see :meth:`cnntention.study.study.Study.table_spec`.
        runs: see :func:`cnntention.reporting.results.evaluations`.
    """
    rows = [_row(spec, claim, runs) for claim in spec["claims"]]
    columns = {
        "Claim": [claim["claim"] for claim in spec["claims"]],
        "Where": [claim["source"] for claim in spec["claims"]],
        "Here": [_shown_values(claim, row) for claim, row in zip(spec["claims"], rows, strict=True)],
        "Difference [95%]": [_shown_difference(row) for row in rows],
        "Claimed": [_shown_claimed(claim, row) for claim, row in zip(spec["claims"], rows, strict=True)],
        "Seeds": [count(row["seeds"], len(spec["seeds"])) for row in rows],
        "Images": [number(row["images"], ",.0f") for row in rows],
        "Verdict": [row["verdict"] for row in rows],
    }
    data = pd.DataFrame(rows)
    data["images"] = data["images"].astype("Int64")
    return Table(data, pd.DataFrame(columns), spec["caption"], _notes(spec, rows) + trained(runs), spec["name"])


def _row(spec: dict, claim: dict, runs: pd.DataFrame) -> dict:
    measure = MEASURES[claim["measure"]]
    of_both = runs[(runs["dataset"] == claim["dataset"]["name"]) & (runs["split"] == claim["split"])]
    ours, theirs = (
        of_both[of_both["model"] == claim[side]["name"]].set_index("seed").sort_index() for side in ("model", "than")
    )
    shared = ours.index.intersection(theirs.index)
    ours, theirs = ours.loc[shared], theirs.loc[shared]
    values = [[measure.value(run, claim) for _, run in side.iterrows()] for side in (ours, theirs)]
    mean = [float(np.mean(side)) if side else math.nan for side in values]
    low = high = math.nan
    if measure.sampled and len(shared) > 1:
        _, low, high = paired_difference(values[0], values[1])
    elif claim["measure"] == "accuracy" and len(shared) == 1:
        _, low, high = images_difference(ours["right"].iloc[0], theirs["right"].iloc[0])
    row = {
        "claim": claim["name"],
        "measure": claim["measure"],
        "dataset": claim["dataset"]["name"],
        "split": claim["split"],
        "model": claim["model"]["name"],
        "than": claim["than"]["name"],
        "model_value": mean[0],
        "than_value": mean[1],
        "difference": measure.difference(*mean),
        "difference_low": low,
        "difference_high": high,
        "claimed": measure.difference(*claim["published"]) if claim["published"] else math.nan,
        "seeds": len(shared),
        "seeds_expected": len(spec["seeds"]),
        "images": int(ours["n"].iloc[0]) if len(shared) else math.nan,
    }
    return row | {"verdict": _verdict(row, measure, claim)}


def _verdict(row: dict, measure: Measure, claim: dict) -> str:
    if not row["seeds"]:
        return "not run yet"
    ahead = row["difference"] if measure.higher else -row["difference"]
    if not measure.sampled:
        return "reproduced" if ahead > 0 else "not reproduced"
    short = _reservation(claim)
    if row["seeds"] == 1:
        return f"not testable with one seed{short}"
    low, high = row["difference_low"], row["difference_high"]
    if claim["within"]:
        return _similar(low, high, claim["within"]) + short
    found = verdict(ahead, *((low, high) if measure.higher else (-high, -low)))
    return _FOUND.get(found, found) + short


def _reservation(claim: dict) -> str:
    """Over what part of the schedule a verdict speaks; nothing for all of it."""
    if claim["epochs"]:
        return f", over the first {claim['epochs']} epochs" if claim["epochs"] > 1 else ", over the first epoch"
    return f", after {claim['trained']} of {claim['schedule']} epochs" if claim["trained"] < claim["schedule"] else ""


_FOUND = {
    "better": "reproduced",
    "worse": "contradicted",
    "no difference shown": "not reproduced: no difference shown",
}
"""From what a comparison shows to what that says of a claim."""


def _similar(low: float, high: float, within: float) -> str:
    """Two one-sided tests: similar where the whole interval lies within the bounds."""
    if -within <= low and high <= within:
        return "reproduced"
    return "contradicted" if low > within or high < -within else "not reproduced: the interval is too wide to tell"


def _shown_values(claim: dict, row: dict) -> str:
    if not row["seeds"]:
        return NONE
    shown = MEASURES[row["measure"]].shown
    return f"{claim['model']['label']} {shown(row['model_value'])}, {claim['than']['label']} {shown(row['than_value'])}"


def _shown_difference(row: dict) -> str:
    measure = MEASURES[row["measure"]]
    return interval(row["difference"], row["difference_low"], row["difference_high"], measure.form, measure.unit)


def _shown_claimed(claim: dict, row: dict) -> str:
    measure = MEASURES[row["measure"]]
    text = interval(row["claimed"], math.nan, math.nan, measure.form, measure.unit)
    return text + (f" (within ±{claim['within']:g})" if claim["within"] else "")


def _notes(spec: dict, rows: list[dict]) -> list[str]:
    notes = []
    if any(row["seeds"] > 1 for row in rows):
        notes.append(
            "Difference with several seeds: mean over the seeds that both models share, with its 95% interval "
            "(paired t). Of equal models, about one comparison in twenty looks different by chance."
        )
    if any(row["seeds"] == 1 and MEASURES[row["measure"]].sampled for row in rows):
        notes.append(
            "One seed tells nothing of the spread from training to training. Its interval, where there is one, is over "
            "images (Agresti and Min 2005): it says whether these two networks differ, not whether the models do."
        )
    return notes
