"""Tables of hyperparameters (Table 1): one row a model."""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from cnntention.base import specs
from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.base.words import NONE
from cnntention.reporting import selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.selection import Labelled
from cnntention.reporting.table import Table
from cnntention.reporting.tables.kind import TableKind, TableSpec
from cnntention.training.specs import EarlyStopping, Recipe

COLUMNS = {
    "optimizer": "Optimiser",
    "lr": "Learning rate",
    "momentum": "Momentum",
    "weight_decay": "Weight decay",
    "batch_size": "Batch size",
    "epochs": "Epochs",
    "milestones": "Milestones",
    "gamma": "Gamma",
    "early_stopping": "Early stopping",
}
RARE_COLUMNS = {"nesterov": "Nesterov", "label_smoothing": "Label smoothing", "schedule": "Schedule"}
"""Of recipes unlike the paper's: shown where a model has them."""


@dataclasses.dataclass(frozen=True)
class Trained(Labelled):
    """A model and the recipe by which it is trained."""

    recipe: Recipe


@dataclasses.dataclass(frozen=True)
class PublishedRecipe:
    """What the paper says of a recipe, see :class:`cnntention.training.specs.Recipe`; None: it does not say."""

    optimizer: str | None = None
    lr: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    milestones: tuple[int, ...] | None = None
    gamma: float | None = None
    early_stopping: EarlyStopping | None = None


@dataclasses.dataclass(frozen=True)
class RecipesSpec(TableSpec):
    """What a table of hyperparameters depends on.

    Attributes:
        models: one a row.
        published: by model.
        epochs: of datasets on which trainings have another number, by the dataset's label.
        lr_factors: of datasets on which learning rates are others, likewise.
    """

    models: tuple[Trained, ...]
    published: dict[str, PublishedRecipe]
    epochs: dict[str, int] = dataclasses.field(default_factory=dict)
    lr_factors: dict[str, float] = dataclasses.field(default_factory=dict)


class Recipes(TableKind[RecipesSpec]):
    """Hyperparameters of the runs; a value that differs from the published run's shows both."""

    spec_class = RecipesSpec
    required = ("models",)
    keys: ClassVar[dict[str, dict]] = {
        "models": selection.KEYS["models"],
        "published": {
            "type": "object",
            "default": {},
            "description": "what the paper says of each model's recipe; of keys that are not here it says nothing",
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    field.name: {"$ref": f"#/$defs/recipe/properties/{field.name}"}
                    for field in dataclasses.fields(PublishedRecipe)
                },
            },
        },
    }
    files = ()

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return []

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from unknown(f"{key}.models", stanza["models"], config["models"])
        yield from selection.without_training(f"{key}.models", stanza["models"], "recipe", config)
        # An overlay that takes a model away leaves what is published of it.
        yield from unknown(f"{key}.published", stanza["published"], given["models"])

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        models = [
            selection.labelled("models", name, study.config) | {"recipe": study.recipe(name)}
            for name in stanza["models"]
        ]
        datasets = study.config["datasets"].values()
        epochs = {entry["label"]: entry["epochs"] for entry in datasets if entry["epochs"]}
        factors = {entry["label"]: entry["lr_factor"] for entry in datasets if entry["lr_factor"] != 1}
        return {"models": models, "published": stanza["published"], "epochs": epochs, "lr_factors": factors}

    def caption(self, spec: RecipesSpec) -> str:
        return f"{spec.caption}. One row a model; where a published run used another value, it stands in brackets."

    def build(self, spec: RecipesSpec, runs: pd.DataFrame) -> Table:
        recipes = [specs.plain(model.recipe) for model in spec.models]
        columns = COLUMNS | {key: title for key, title in RARE_COLUMNS.items() if any(key in used for used in recipes)}
        data, shown = [], []
        for model, used in zip(spec.models, recipes, strict=True):
            published = specs.plain(spec.published.get(model.name, PublishedRecipe()))
            data.append(
                {"model": model.name}
                | {key: _setting(used.get(key)) for key in columns}
                | {f"published_{key}": _setting(published.get(key)) for key in COLUMNS}
            )
            cells = {"Model": model.label}
            for key, title in columns.items():
                cells[title] = _setting(used.get(key)) or NONE
                if key in published and published[key] != used.get(key):
                    cells[title] += f" (paper: {_setting(published[key])})"
            shown.append(cells)
        notes = ["Where a published run used another value, it stands in brackets."] if spec.published else []
        notes += [f"On {label}: {epochs} epochs, the schedule in proportion." for label, epochs in spec.epochs.items()]
        notes += [f"On {label}: {factor:g} times this learning rate." for label, factor in spec.lr_factors.items()]
        return Table(pd.DataFrame(data), pd.DataFrame(shown), spec.caption, notes, spec.name)


KIND = Recipes()


def _setting(value: Any) -> str:
    if value is None:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(str(entry) if key == "kind" else f"{key} {entry}" for key, entry in value.items())
    return {"sgd": "SGD", "adam": "Adam"}.get(value, f"{value:g}" if isinstance(value, float) else str(value))
