"""Whether maps differ between models by more than between trainings of one model."""

import pandas as pd

from cnntention.reporting.instruments.findings import sign
from cnntention.reporting.instruments.spec import StanzaSpec

AGREEMENT, LEAD = "agreement", "seeds' lead"
OTHER_SEED, OTHER_IMAGE = "itself, another seed", "another image"


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a dataset."""
    found = []
    for dataset in spec.datasets:
        own = numbers[numbers["dataset"] == dataset.name]
        across = own[(own["name"] == AGREEMENT) & ~own["beside"].isin([OTHER_IMAGE, OTHER_SEED])]
        if across.empty:
            continue
        seeds = own[(own["name"] == AGREEMENT) & (own["beside"] == OTHER_SEED)]
        chance = own[(own["name"] == AGREEMENT) & (own["beside"] == OTHER_IMAGE)]
        text = (
            f"On {dataset.label}, maps of one image by two models agree by {_range(across)}, those of two images by "
            f"one model by {_range(chance)}"
        )
        if seeds.empty:
            text += ". Trainings of one model were not compared, so that it may be chance that models differ"
        else:
            leads = _leads(spec, own)
            ahead = sum(sign(row) > 0 for row in leads)
            text += (
                f", those of one image by two trainings of one model by {_range(seeds)}. Models differ by more than "
                f"trainings of one do in {ahead} of {_pairs(len(leads))}, elsewhere that is not shown"
            )
        found.append(f"{text}.")
    return found


def _leads(spec: StanzaSpec, own: pd.DataFrame) -> list[dict]:
    """One row a pair of models, each of which stands there twice."""
    labels = {model.name: model.label for model in spec.models}
    rows = own[own["name"] == LEAD].to_dict("records")
    return list({frozenset((labels[row["model"]], row["beside"])): row for row in rows}.values())


def _pairs(count: int) -> str:
    return f"{count} {'pair' if count == 1 else 'pairs'} of models"


def _range(rows: pd.DataFrame) -> str:
    low, high = (f"{value:.2f}" for value in (rows["value"].min(), rows["value"].max()))
    return low if low == high else f"{low} to {high}"
