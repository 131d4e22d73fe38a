"""The figure of attention by epoch: what is drawn, from hand-made histories."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from made import DATASETS

from cnntention.base import specs
from cnntention.reporting.figures.attention import KIND, AttentionCurvesSpec

MODELS = [
    {"name": "mha", "label": "MHA", "color": "#d55e00"},
    {"name": "cbam", "label": "CBAM", "color": "#009e73"},
]
SPEC = specs.read(
    AttentionCurvesSpec,
    {
        "name": "figure9",
        "kind": "attention",
        "title": "On or off",
        "runs": {},
        "datasets": DATASETS[:1],
        "models": MODELS,
        "split": "full",
        "seeds": [10, 11],
        "style": {"width": 9.0, "height": 2.2, "dpi": 100, "y_max": None},
    },
)


def history(model: str, seed: int, gates: tuple | None, shares: tuple | None) -> pd.DataFrame:
    """Three epochs of one run, the numbers of a stage being multiples of those of the first."""
    rows = {"dataset": "cifar10", "model": model, "seed": seed, "epoch": [1.0, 2.0, 3.0]}
    for stage in (1, 2, 3):
        for what, values in (("gate", gates), ("share", shares)):
            rows[f"{what}_{stage}"] = [np.nan] * 3 if values is None else [stage * value for value in values]
    return pd.DataFrame(rows)


RUNS = pd.concat(
    [
        history("mha", 10, (0.0, 0.2, 0.4), (0.0, 0.01, 0.02)),
        history("mha", 11, (0.0, 0.4, 0.8), (0.0, 0.03, 0.04)),
        history("cbam", 10, None, (0.5, 0.4, 0.3)),
    ],
    ignore_index=True,
)


def drawn(ax) -> list[list[float]]:
    """The lines of the stages."""
    return [line.get_ydata().tolist() for line in ax.lines if len(line.get_xdata()) == 3]


def test_a_line_a_stage_is_the_mean_over_seeds_and_shares_are_in_percent():
    gates, _, shares, cbam = KIND.draw(SPEC, RUNS).axes
    assert drawn(gates) == [pytest.approx([0, 0.3 * stage, 0.6 * stage]) for stage in (1, 2, 3)]
    assert drawn(shares) == [pytest.approx([0, 2 * stage, 3 * stage]) for stage in (1, 2, 3)]
    assert drawn(cbam)[0] == pytest.approx([50, 40, 30])


def test_what_is_not_there_is_said():
    _, no_gate, _, cbam = KIND.draw(SPEC, RUNS).axes
    assert [text.get_text() for text in no_gate.texts] == ["no gate"]
    assert cbam.get_title() == "CBAM, CIFAR-10 (1 seeds missing)"
    older = RUNS.assign(**dict.fromkeys([name for name in RUNS if name.startswith(("gate", "share"))], np.nan))
    assert [text.get_text() for text in KIND.draw(SPEC, older).axes[2].texts] == ["no measurement of it"]


def test_a_model_without_attention_is_refused(config):
    stanza = config["figures"]["attention-by-epoch"] | {"models": ["baseline"], "style": dataclasses.asdict(SPEC.style)}
    assert list(KIND.check("figures.x", stanza, config, config)) == ["figures.x.models: 'baseline' has no attention"]
