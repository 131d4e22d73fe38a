"""What instruments find in words is what their numbers say, and no more."""

import math

import pandas as pd
import pytest

from cnntention.instruments import registry
from cnntention.reporting.instruments import findings
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.study.study import Study

MODELS = {"faithfulness": "baseline", "cbam_weights": "cbam-16"}


def spec_of(config: dict, kind: str) -> StanzaSpec:
    """Of a stanza of the kind, on MNIST; of two models where one has to be compared with another."""
    models = ["baseline", "mha"] if kind in ("agreement", "latency") else [MODELS.get(kind, "selfatt")]
    stanza = {"kind": kind, "caption": "x", "datasets": ["mnist"], "split": "full", "models": models, "images": 10}
    options = {key: option["default"] for key, option in registry.catalogue()[kind].options.items()}
    return Study(config | {"tables": {}, "figures": {}, "instruments": {"x": stanza | options}}).instruments.spec("x")


def found(config: dict, kind: str, rows: list[dict]) -> list[str]:
    """What is found in these numbers, of the first model where they name none."""
    spec = spec_of(config, kind)
    whole = [{"dataset": "mnist", "model": spec.models[0].name, "unit": "", "seeds": 1} | row for row in rows]
    return findings.load(kind).find(spec, pd.DataFrame(whole))


def number(name: str, value: float, half: float = 0.0, **of: object) -> dict:
    """With a symmetric interval."""
    return {"name": name, "value": value, "low": value - half, "high": value + half, **of}


@pytest.mark.parametrize(
    ("half", "said"), [(1.0, "SelfAtt on MNIST loses without its attention: -2.00"), (3.0, "is not shown to change")]
)
def test_a_loss_is_one_if_its_interval_says_so(config, half, said):
    changes = {"all": number("change", -2, half), "stage 1": number("change", -0.5), "stage 2": number("change", 0.25)}
    heads = {"stage 1, head 1": number("change", -9)}
    (text,) = found(config, "ablation", [row | {"left out": place} for place, row in (changes | heads).items()])
    assert said in text
    assert text.endswith("without that of one stage: -0.50 (stage 1) and +0.25 (stage 2).")
    (text,) = found(config, "ablation", [number("change", 0) | {"left out": "all"}])
    assert text == "SelfAtt on MNIST is right on the same images without its attention."


def test_a_number_without_an_interval_stands_alone():
    assert findings.with_interval(number("change", -2, math.nan), "+.2f") == "-2.00"


def test_attention_is_even_where_its_entropy_says_so(config):
    rows = [
        number(name, value, stage=stage, head=head)
        for stage, entropy in ((1, 62.0), (2, 99.5))
        for head, offset in (("all", 0), ("1", -20), ("2", 20))
        for name, value in (("entropy", entropy + offset), ("distance", 5.0), ("distance, equal weights", 14.0))
    ]
    (text,) = found(config, "attention_statistics", rows)
    assert "stages 1 and 2: entropy of the weights is 62% and 99.5% of that of equal weights" in text
    assert "attends 5.0 px (14.0) and 5.0 px (14.0) away" in text
    assert text.endswith("All positions count about alike in stage 2.")
    (text,) = found(config, "attention_statistics", [row for row in rows if row["stage"] == 1])
    assert "alike" not in text


def test_what_cbam_weighs_varies_by_stage(config):
    names = ("channels between images", "between channels", "positions between images", "between positions")
    rows = [number(name, place + stage / 10, stage=stage) for stage in (2, 1) for place, name in enumerate(names)]
    (text,) = found(config, "cbam_weights", rows)
    assert "a channel's weight varies by 0.1 and 0.2 (standard deviation), and from channel to channel by 1.1" in text


def test_maps_are_better_where_less_is_better_too(config):
    leads = {"ROAD": 5, "increase": 5, "drop": -5, "insertion": 1, "deletion": 5}
    rows = [
        number(name, lead, 2, map=f"Grad-CAM − {null}")
        for name, lead in leads.items()
        for null in ("random", "centre", "edges")
    ]
    (text,) = found(config, "faithfulness", rows)
    assert "better than a random map in 3, worse in 1, open in 1" in text


@pytest.mark.parametrize(
    ("untrained", "said"), [(0.5, "more than"), (0.21, "not shown to be more or less than"), (0.1, "less than")]
)
def test_maps_rest_on_the_image_alone_where_the_untrained_network_draws_them_too(config, untrained, said):
    rows = [
        number("rank correlation", value, 0.01, network=name)
        for name, value in (("all untrained", untrained), ("another image", 0.2), ("attention bypassed", 0.9))
    ]
    (text,) = found(config, "sanity", rows)
    assert (
        f"{untrained:.2f} [{untrained - 0.01:.2f}, {untrained + 0.01:.2f}], {said} with those of other images" in text
    )
    assert "without its attention by 0.90" in text
    (text,) = found(config, "sanity", rows[:2])
    assert "without its attention" not in text


def test_models_differ_by_more_than_seeds_where_the_lead_says_so(config):
    across = [
        number("agreement", 0.5, model=one, beside=other) for one, other in (("baseline", "MHA"), ("mha", "Baseline"))
    ]
    chance = number("agreement", 0.125, beside="another image")
    (text,) = found(config, "agreement", [*across, chance])
    assert "by two models agree by 0.50, those of two images by one model by 0.12. Trainings of one model were" in text
    seeds = number("agreement", 0.75, beside="itself, another seed")
    for half, pairs in ((0.1, 1), (0.4, 0)):
        leads = [row | number("seeds' lead", lead, half) for row, lead in zip(across, (0.25, 0.2500001), strict=True)]
        (text,) = found(config, "agreement", [*across, chance, seeds, *leads])
        assert "by two trainings of one model by 0.75" in text
        assert f"in {pairs} of 1 pair of models, elsewhere" in text


@pytest.mark.parametrize(("half", "said"), [(1.0, "is overconfident: +3.00"), (4.0, "not shown to be over- or under")])
def test_confidence_is_too_high_if_its_interval_says_so(config, half, said):
    rows = [
        number(name, value, half, probabilities=probabilities)
        for probabilities, error, chance in (("as trained", 3.5, 0.5), ("scaled", 1.5, 0.75))
        for name, value in (
            ("ECE", error),
            ("overconfidence", 3.0),
            ("ECE if calibrated", chance),
            ("temperature", 1.25),
        )
    ]
    (text,) = found(config, "calibration", rows)
    assert said in text
    assert "3.50% (0.50%) as trained and 1.50% (0.75%) at a temperature of 1.25, in brackets what chance" in text


def test_the_worst_and_the_least_corruption_are_named(config):
    errors = {"none": 1.0, "noise": 40.0, "blur": 20.0, "all": 30.0}
    (text,) = found(config, "corruptions", [number("mean error", each, corruption=of) for of, each in errors.items()])
    assert "1.00% of the images as they are" in text
    assert "most by noise (40.0%), least by blur (20.0%)." in text


def test_corruptions_whose_intervals_overlap_are_named_together(config):
    errors = {"none": (1.0, 0.5), "noise": (40.0, 2.0), "blur": (37.0, 1.5), "shift": (3.0, 0.5), "all": (30.0, 1.0)}
    rows = [number("mean error", *each, corruption=of) for of, each in errors.items()]
    (text,) = found(config, "corruptions", rows)
    assert "most by noise (40.0%) and blur (37.0%), least by shift (3.0%)." in text


def test_times_are_beside_the_first_models(config):
    rows = [
        number("latency", value, model=model, batch=batch)
        for batch, by_model in ((1, {"baseline": 2.0, "mha": 5.0}), (128, {"mha": 5.0}))
        for model, value in by_model.items()
    ]
    assert found(config, "latency", rows) == ["Time of an answer on MNIST by that of Baseline, batches of 1: MHA 2.50."]


@pytest.mark.parametrize("kind", [kind for kind in registry.catalogue() if findings.file(kind)])
def test_without_numbers_nothing_is_found(config, kind):
    columns = ["dataset", "model", "name", "value", "low", "high", "beside", "batch"]
    assert findings.load(kind).find(spec_of(config, kind), pd.DataFrame(columns=columns)) == []
