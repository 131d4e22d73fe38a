"""How much longer networks take to answer than the first of them."""

import pandas as pd

from cnntention.base.words import listed
from cnntention.reporting.instruments.spec import StanzaSpec


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a dataset and size of batch, if the first model was measured and another one."""
    labels = {model.name: model.label for model in spec.models}
    first = spec.models[0]
    times = numbers[numbers["name"] == "latency"]
    found = []
    for dataset in spec.datasets:
        for batch, own in times[times["dataset"] == dataset.name].groupby("batch") if len(times) else ():
            by_model = dict(zip(own["model"], own["value"], strict=True))
            others = [name for name in labels if name in by_model and name != first.name]
            if first.name in by_model and others:
                ratios = listed([f"{labels[name]} {by_model[name] / by_model[first.name]:.2f}" for name in others])
                found.append(
                    f"Time of an answer on {dataset.label} by that of {first.label}, batches of {batch}: {ratios}."
                )
    return found
