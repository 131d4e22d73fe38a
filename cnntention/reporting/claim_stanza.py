"""A claim as a config states it: its keys, what can be wrong with them, and what a :class:`Claim` takes from them."""

from collections.abc import Iterator

from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.reporting import selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.measures import MEASURES

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["claim", "source", "measure", "dataset", "split", "model", "than"],
    "properties": {
        "claim": {"$ref": "#/$defs/text", "description": "what is claimed, for reading"},
        "source": {"$ref": "#/$defs/text", "description": "where the claim stands"},
        "measure": {
            "enum": [*MEASURES],
            "description": "ahead is who has more accuracy, or less of anything else",
        },
        "dataset": {"$ref": "#/$defs/name", "description": "on which the models are compared"},
        "split": selection.KEYS["split"],
        "model": {"$ref": "#/$defs/name", "description": "claimed to be ahead"},
        "than": {"$ref": "#/$defs/name", "description": "the model that it is claimed to be ahead of"},
        "epochs": {
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000_000,
            "description": "of measure: early_error, which is the mean error over so many first epochs",
        },
        "published": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"$ref": "#/$defs/positive"},
            "description": "values of model and than in the paper, in %, seconds or counts",
        },
        "within": {
            "$ref": "#/$defs/positive",
            "description": "of measure: accuracy; claimed is a difference of so many points at most, not who is ahead",
        },
    },
    "allOf": [
        {
            "if": {"required": ["measure"], "properties": {"measure": {"const": "early_error"}}},
            "then": {"required": ["epochs"]},
            "else": {"properties": {"epochs": {"not": {}, "message": "possible with measure: early_error only"}}},
        },
        {
            "if": {"not": {"properties": {"measure": {"const": "accuracy"}}}},
            "then": {"properties": {"within": {"not": {}, "message": "possible with measure: accuracy only"}}},
        },
    ],
}


def runs(claim: dict, seeds: list[int]) -> list[Run]:
    """The runs of both models."""
    sides = {"datasets": [claim["dataset"]], "split": claim["split"], "models": [claim["model"], claim["than"]]}
    return selection.runs(sides, seeds)


def check(key: str, claim: dict, config: dict) -> Iterator[str]:
    """What takes more than one key of a claim to see, a line each that names the key."""
    yield from unknown(f"{key}.dataset", claim["dataset"], config["datasets"])
    for side in ("model", "than"):
        yield from unknown(f"{key}.{side}", claim[side], config["models"])
    known = [claim[side] for side in ("model", "than") if claim[side] in config["models"]]
    yield from selection.impossible(key, known, claim["split"], [claim["dataset"]], config)
    if MEASURES[claim["measure"]].of_training:
        yield from selection.without_training(f"{key}.measure", known, claim["measure"], config)
    if claim["model"] == claim["than"]:
        yield f"{key}.than: '{claim['than']}' is the same model"


def details(name: str, claim: dict, study: Study) -> dict:
    """The fields of a :class:`Claim`, in plain values."""
    config = study.config
    of_models = {side: config["models"][claim[side]] for side in ("model", "than")}
    schedules = [
        (study.recipe(claim[side], claim["dataset"])["epochs"], config["recipes"][model["recipe"]]["epochs"])
        for side, model in of_models.items()
        if "recipe" in model
    ]
    trained, schedule = min(schedules, default=(None, None))
    return {
        "name": name,
        **{key: claim[key] for key in ("claim", "source", "measure", "split")},
        **{key: claim.get(key) for key in ("epochs", "within", "published")},
        "dataset": selection.labelled("datasets", claim["dataset"], config),
        **{side: selection.labelled("models", claim[side], config) for side in of_models},
        "trained": trained,
        "schedule": schedule,
    }
