"""The table of any instrument: one row a dataset, model and what numbers are of; one column a number."""

import math

import numpy as np
import pandas as pd

from cnntention.base.words import NONE
from cnntention.data.split import judging_part
from cnntention.instruments.registry import catalogue
from cnntention.reporting.instruments import comparisons, findings
from cnntention.reporting.instruments.results import Measured
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.notes import from_elsewhere, incomplete
from cnntention.reporting.selection import Labelled
from cnntention.reporting.statistics.seeds import mean_std
from cnntention.reporting.table import Table, count, number

FORMS = {"%": ".2f", "points": "+.2f", "": ".3g"}
"""How numbers of a unit are written; others have four digits."""


def build(spec: StanzaSpec, measured: Measured) -> Table:
    """The table of what there is; a model without a measurement has a row that says so."""
    over_seeds = combined(measured)
    if comparisons.file(spec.instrument.kind) and not over_seeds.empty:
        compared = comparisons.load(spec.instrument.kind).compare(spec, measured)
        over_seeds = pd.concat([over_seeds, compared], ignore_index=True)
    names = list(dict.fromkeys(zip(over_seeds["name"], over_seeds["unit"], strict=True)))
    data, shown, complete = [], [], []
    for dataset in spec.datasets:
        for model in spec.models:
            own = over_seeds[(over_seeds["dataset"] == dataset.name) & (over_seeds["model"] == model.name)]
            complete.append(not own.empty and own["seeds"].max() == len(spec.seeds))
            by = own.groupby(measured.keys, sort=False, dropna=False) if measured.keys else [((), own)]
            for of, rows in by if not own.empty else ():
                what = dict(zip(measured.keys, of, strict=True))
                data.append(_plain(spec, dataset, model, what, rows))
                shown.append(_shown(spec, dataset, model, what, rows, names))
            if own.empty:
                data.append({"dataset": dataset.name, "model": model.name, "split": spec.split, "seeds": 0})
                shown.append({"Dataset": dataset.label, "Model": model.label, "Seeds": count(0, len(spec.seeds))})
    columns = ["Dataset", "Model", *map(_title, measured.keys), *(_column(*name) for name in names), "Seeds"]
    frame = pd.DataFrame(shown, columns=columns).fillna(NONE)
    notes = _notes(spec, measured) + incomplete(complete)
    found = _findings(spec, over_seeds)
    return Table(pd.DataFrame(data), frame, spec.caption, notes, spec.name, found)


def _findings(spec: StanzaSpec, numbers: pd.DataFrame) -> tuple[str, ...]:
    if numbers.empty or not findings.file(spec.instrument.kind):
        return ()
    return tuple(findings.load(spec.instrument.kind).find(spec, numbers))


def combined(measured: Measured) -> pd.DataFrame:
    """Each number over its seeds: mean, 95% interval, mean spread over images, and how many ``seeds``.

    One seed has the interval over images. Of several, the interval is over seeds and images: the half of Student's t
    over seeds and the mean half over images, added in squares. That is a little too wide, since what differs between
    seeds holds a part of what differs between images.
    """
    by = ["dataset", "model", *measured.keys, "name", "unit"]
    rows = []
    for key, own in measured.numbers.groupby(by, sort=False, dropna=False):
        mean, std = mean_std(own["value"])
        below, above = float((own["value"] - own["low"]).mean()), float((own["high"] - own["value"]).mean())
        if len(own) > 1:
            from scipy import stats  # not with the module: a dry run imports it

            of_seeds = float(stats.t.ppf(0.975, len(own) - 1)) * std / math.sqrt(len(own))
            below, above = (math.hypot(of_seeds, 0.0 if math.isnan(half) else half) for half in (below, above))
        rows.append(
            dict(zip(by, key, strict=True))
            | {"value": mean, "low": mean - below, "high": mean + above, "std": std}
            | {"spread": own["spread"].mean(), "seeds": own["seed"].nunique()}
        )
    return pd.DataFrame(rows, columns=[*by, "value", "low", "high", "std", "spread", "seeds"])


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]


def _column(name: str, unit: str) -> str:
    return _title(name) + (f" ({unit})" if unit else "")


def _plain(spec: StanzaSpec, dataset: Labelled, model: Labelled, of: dict, rows: pd.DataFrame) -> dict:
    found = {"dataset": dataset.name, "model": model.name, "split": spec.split, **of, "seeds": rows["seeds"].max()}
    for row in rows.to_dict("records"):
        key = f"{row['name']}, {row['unit']}".rstrip(", ").replace(", ", "_").replace(" ", "_")
        found |= {key: row["value"]}
        found |= {f"{key}_{end}": row[end] for end in ("low", "high", "std", "spread") if not math.isnan(row[end])}
    return found


def _shown(
    spec: StanzaSpec, dataset: Labelled, model: Labelled, of: dict, rows: pd.DataFrame, names: list[tuple[str, str]]
) -> dict[str, str]:
    cells = {_column(row["name"], row["unit"]): _cell(row) for row in rows.to_dict("records")}
    head = {"Dataset": dataset.label, "Model": model.label} | {_title(key): str(value) for key, value in of.items()}
    return head | cells | {"Seeds": count(rows["seeds"].max(), len(spec.seeds))}


def _cell(row: dict) -> str:
    form = FORMS.get(row["unit"], ".4g")
    shown = number(row["value"], form)
    certain = math.isnan(row["low"]) or np.isclose(row["low"], row["high"], rtol=0, atol=0)
    return shown if certain else f"{shown} [{row['low']:{form}}, {row['high']:{form}}]"


def _notes(spec: StanzaSpec, measured: Measured) -> list[str]:
    seeds = ", ".join(map(str, spec.seeds))
    images = [f"{each:,}" for each in sorted(set(measured.numbers["images"]))]
    looked = f"{' or '.join(images) or 'no'} {judging_part(spec.split)} images"
    over = (
        f"mean over seeds {seeds}, in brackets its 95% interval over seeds, and over images as well where the number "
        "is a mean over images"
    )
    if len(spec.seeds) == 1:
        over = f"one seed ({seeds}), in brackets the 95% interval over images"
    measured_on = [catalogue()[spec.instrument.kind].about, f"Measured on {looked}; {over}."]
    return measured_on + from_elsewhere(measured.imported)
