"""Tables of how much trained models use their attention: gates, and what is lost when attention is bypassed."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from cnntention.base.layout import Run
from cnntention.base.words import NONE
from cnntention.data.split import judging_part
from cnntention.reporting import captions, selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.notes import incomplete, trained
from cnntention.reporting.selection import Labelled, Selection
from cnntention.reporting.statistics.seeds import mean_std, paired_difference
from cnntention.reporting.table import Table, count, interval, number, spread
from cnntention.reporting.tables.kind import TableKind, TableSpec

STAGES = (1, 2, 3)
"""There is one block after each stage, and so one gate."""


@dataclasses.dataclass(frozen=True)
class Published:
    """What is published about a model on a dataset.

    Attributes:
        gates: w of each stage's block at the end of training (paper, eq. 3).
    """

    gates: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class AttentionSpec(TableSpec, Selection):
    """What a table of attention's use depends on.

    Attributes:
        published: by dataset and model.
    """

    published: dict[str, dict[str, Published]]


class Attention(TableKind[AttentionSpec]):
    """One row for each dataset and model: accuracy as trained and with attention bypassed, gates w (paper, eq. 3).

    The published MHA ended with gates of 7.6e-5, -5e-11 and -2e-12: it is a plain ResNet-20, which its accuracy alone
    does not show.
    """

    spec_class = AttentionSpec
    required = tuple(selection.KEYS)
    keys = selection.KEYS | {
        "published": selection.published_keys(
            {
                "required": ["gates"],
                "properties": {
                    "gates": {
                        "type": "array",
                        "minItems": len(STAGES),
                        "maxItems": len(STAGES),
                        "items": {"type": "number"},
                        "description": "w of the three blocks (paper, eq. 3) at the end of training",
                    }
                },
            }
        )
    }

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return selection.runs(stanza, seeds)

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from selection.problems(key, stanza, config)
        for model in stanza["models"]:
            if model in config["models"] and config["models"][model]["attention"] is None:
                yield f"{key}.models: '{model}' has no attention"
        yield from selection.unknown_published(f"{key}.published", stanza["published"], given)

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        return selection.selected(stanza, study.config) | {"published": selection.published(stanza)}

    def caption(self, spec: AttentionSpec) -> str:
        return (
            f"{spec.caption}. One row a dataset and model, {captions.seeds(spec.seeds)}: accuracy as trained and with "
            "all attention blocks left out, the gates of attention, which start at 0, and its share of the feature map."
        )

    def build(self, spec: AttentionSpec, runs: pd.DataFrame) -> Table:
        pairs = [(dataset, model) for dataset in spec.datasets for model in spec.models]
        rows = [_row(spec, dataset.name, model.name, runs) for dataset, model in pairs]
        columns = {
            "Dataset": [dataset.label for dataset, _ in pairs],
            "Model": [model.label for _, model in pairs],
            f"{judging_part(spec.split).capitalize()} accuracy (%)": [_shown(row, "accuracy") for row in rows],
            "Attention bypassed (%)": [_shown(row, "bypassed") for row in rows],
            "Attention adds": [_shown_gain(row) for row in rows],
            **{f"Gate {stage}": [_shown_gate(row, stage) for row in rows] for stage in STAGES},
            "Shares": [_shown_shares(row) for row in rows],
            "Paper's gates": [_shown_published(spec, dataset, model) for dataset, model in pairs],
            "Seeds": [count(row["seeds"], row["seeds_expected"]) for row in rows],
        }
        if set(columns["Paper's gates"]) == {NONE}:
            del columns["Paper's gates"]
        complete = incomplete(row["seeds"] == row["seeds_expected"] for row in rows)
        notes = _notes(spec) + trained(runs) + complete
        return Table(pd.DataFrame(rows), pd.DataFrame(columns), spec.caption, notes, spec.name)


KIND = Attention()


def _row(spec: AttentionSpec, dataset: str, model: str, runs: pd.DataFrame) -> dict:
    own = runs[(runs["dataset"] == dataset) & (runs["model"] == model)]
    bypassed = [use["accuracy_bypassed"] for use in own["attention"]]
    row = {
        "dataset": dataset,
        "model": model,
        "split": spec.split,
        "seeds": len(own),
        "seeds_expected": len(spec.seeds),
    }
    keys = ["accuracy", "bypassed", *(f"{kind}_{stage}" for kind in ("gate", "share") for stage in STAGES)]
    if own.empty:
        row |= {name: math.nan for key in keys for name in (key, f"{key}_std")}
        return row | dict.fromkeys(("gain", "gain_low", "gain_high"), math.nan)
    by_stage = [
        [math.nan if value is None else value for value in use["gates"] + use["shares"]] for use in own["attention"]
    ]
    for key, values in zip(keys, [own["accuracy"], bypassed, *zip(*by_stage, strict=True)], strict=True):
        row[key], row[f"{key}_std"] = mean_std(values)
    row["gain"], row["gain_low"], row["gain_high"] = paired_difference(own["accuracy"], bypassed)
    return row


def _shown(row: dict, key: str) -> str:
    return spread(row[key], row[f"{key}_std"], ".2f") if row["seeds"] else "missing"


def _shown_gain(row: dict) -> str:
    return interval(row["gain"], row["gain_low"], row["gain_high"], "+.2f")


def _shown_gate(row: dict, stage: int) -> str:
    return spread(row[f"gate_{stage}"], row[f"gate_{stage}_std"], ".2g")


def _shown_shares(row: dict) -> str:
    shares = [row[f"share_{stage}"] for stage in STAGES]
    return NONE if all(map(math.isnan, shares)) else ", ".join(number(share, ".2%") for share in shares)


def _shown_published(spec: AttentionSpec, dataset: Labelled, model: Labelled) -> str:
    published = spec.published.get(dataset.name, {}).get(model.name)
    return ", ".join(f"{gate:.2g}" for gate in published.gates) if published else NONE


def _notes(spec: AttentionSpec) -> list[str]:
    seeds = ", ".join(map(str, spec.seeds))
    several = len(spec.seeds) > 1
    over = f"mean ± standard deviation over seeds {seeds}, 95% interval by t" if several else f"one seed ({seeds})"
    return [
        f"Bypassed: the same weights with every attention block left out, not trained anew; {over}. Gate: the factor w "
        "of attention after a stage, 0 at the start; a dash: attention without a gate. Shares: mean size of what "
        "attention adds to the feature map after stages 1, 2 and 3, by that of the feature map."
    ]
