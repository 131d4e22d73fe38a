"""Which runs a product shows: those of some models on some datasets, on one split, from some seeds."""

import dataclasses
from collections.abc import Iterable, Iterator

from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.data import split

KEYS: dict[str, dict] = {
    "datasets": {"$ref": "#/$defs/names", "description": "shown, in this order"},
    "split": {
        "$ref": "#/$defs/split",
        "description": "full: judged by the test images; tune: by the validation images, held out of training",
    },
    "models": {"$ref": "#/$defs/names", "description": "shown, in this order"},
}
"""JSON schemas of a stanza's keys."""


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A dataset or model.

    Attributes:
        name: in the config.
        label: for reading.
    """

    name: str
    label: str


@dataclasses.dataclass(frozen=True)
class Coloured(Labelled):
    """A model and its colour in figures, as ``#rrggbb``."""

    color: str


@dataclasses.dataclass(frozen=True)
class Selection:
    """Runs of all models on all datasets.

    Attributes:
        datasets: in the order in which they are shown.
        split: ``full`` or ``tune``, see :mod:`cnntention.data.split`.
        models: likewise.
        seeds: of the runs of each model.
    """

    datasets: tuple[Labelled, ...]
    split: str
    models: tuple[Labelled, ...]
    seeds: tuple[int, ...]


def selected(stanza: dict, config: dict, *of_models: str) -> dict:
    """The fields of a :class:`Selection`, in plain values; of each model also the values of more keys."""
    return {
        "datasets": [labelled("datasets", name, config) for name in stanza["datasets"]],
        "split": stanza["split"],
        "models": [
            labelled("models", name, config) | {key: config["models"][name][key] for key in of_models}
            for name in stanza["models"]
        ],
        "seeds": config["seeds"],
    }


def labelled(section: str, name: str, config: dict) -> dict:
    """The fields of a :class:`Labelled`, in plain values."""
    return {"name": name, "label": config[section][name]["label"]}


def runs(stanza: dict, seeds: Iterable[int]) -> list[Run]:
    """The runs of a stanza with :data:`KEYS`."""
    return [
        Run(dataset, model, stanza["split"], seed)
        for dataset in stanza["datasets"]
        for model in stanza["models"]
        for seed in seeds
    ]


def problems(key: str, stanza: dict, config: dict) -> Iterator[str]:
    """What is wrong with a stanza with :data:`KEYS`, a line for each problem."""
    yield from unknown(f"{key}.datasets", stanza["datasets"], config["datasets"])
    yield from impossible(key, stanza["models"], stanza["split"], stanza["datasets"], config)


def impossible(key: str, models: list[str], name: str, datasets: list[str], config: dict) -> Iterator[str]:
    """Why there can be no runs of models on a split of datasets, one line each; unknown datasets are passed over."""
    yield from unknown(f"{key}.models", models, config["models"])
    starts = (config["models"].get(model, {}).get("start") for model in models)
    models = list(dict.fromkeys([*models, *(start["model"] for start in starts if start)]))
    for model in models:
        weights = config["models"].get(model, {}).get("weights")
        if weights is not None:
            yield from _impossible_imports(key, model, weights, name, datasets)
    yield from _without_effect(key, models, datasets, config)
    if split.judging_part(name) == "validation":
        for dataset in datasets:
            if dataset in config["datasets"] and not config["datasets"][dataset]["validation_images"]:
                yield f"{key}.split: '{name}' needs datasets.{dataset}.validation_images above 0"
        return
    for model in models:
        recipe = config["recipes"].get(config["models"].get(model, {}).get("recipe"), {})
        if recipe.get("early_stopping"):
            yield (
                f"{key}.split: models.{model} stops early on validation error, and split '{name}' has no validation "
                "images; use split 'tune' or a recipe with early_stopping: null"
            )


def _without_effect(key: str, models: list[str], datasets: list[str], config: dict) -> Iterator[str]:
    """Where a grid varies epochs that a dataset has of its own."""
    cells = [
        cell for grid in config.get("grids", {}).values() for cell in grid["cells"] if "recipe.epochs" in cell["values"]
    ]
    for model in sorted({cell["model"] for cell in cells if cell["model"] != cell["of"]} & set(models)):
        for dataset in datasets:
            if config["datasets"].get(dataset, {}).get("epochs"):
                yield (
                    f"{key}.models: the epochs of models.{model} are changed by datasets.{dataset}.epochs; set that to "
                    "null"
                )


def _impossible_imports(key: str, model: str, weights: dict, name: str, datasets: list[str]) -> Iterator[str]:
    for dataset in datasets:
        if dataset not in weights:
            yield f"{key}: models.{model} has weights for {', '.join(weights)}, and none for {dataset}"
    if split.judging_part(name) != "test":
        yield (
            f"{key}.split: models.{model} has weights from elsewhere, which may have seen the images that judge split "
            f"'{name}'; use split: full"
        )


def without_training(key: str, models: list[str], what: str, config: dict) -> Iterator[str]:
    """A line for each model that was trained elsewhere, so that it has not got what a product shows of a training."""
    for model in models:
        if "weights" in config["models"].get(model, {}):
            yield f"{key}: models.{model} has weights from elsewhere, and so no {what}; leave it out"


def published_keys(of_a_model: dict) -> dict:
    """The JSON schema of published values, by dataset and model, from the schema of one model's."""
    return {
        "type": "object",
        "default": {},
        "description": "what the paper says, by dataset and model; it is shown beside the study's own",
        "propertyNames": {"$ref": "#/$defs/name"},
        "additionalProperties": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"type": "object", "additionalProperties": False} | of_a_model,
        },
    }


def published(stanza: dict) -> dict:
    """What is published about the datasets that a stanza shows."""
    return {dataset: models for dataset, models in stanza["published"].items() if dataset in stanza["datasets"]}


def unknown_published(key: str, published: dict, given: dict) -> Iterator[str]:
    """A line for each unknown dataset or model among the published values.

    An overlay that takes a model or dataset away leaves its published values, which are then no typo.

    Args:
        key: of what is published.
        published: by dataset and model.
        given: the config, with entries that are null.
    """
    yield from unknown(key, published, given["datasets"])
    for dataset, values in published.items():
        yield from unknown(f"{key}.{dataset}", values, given["models"])
