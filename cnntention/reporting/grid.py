"""A Grad-CAM grid as the config asks for it: a column for each model, a row for each test image."""

import dataclasses
from collections.abc import Iterator

from cnntention.base.layout import Run
from cnntention.reporting import selection
from cnntention.reporting.selection import Labelled

SUFFIXES = (".png", ".json")
"""Of the picture and of what it shows of each image."""


@dataclasses.dataclass(frozen=True)
class GridStyle:
    """How a grid looks.

    Attributes:
        cell: inches for each picture.
        dpi: dots per inch.
    """

    cell: float
    dpi: int


@dataclasses.dataclass(frozen=True)
class GridSpec:
    """What a grid depends on.

    Attributes:
        dataset: whose test images are shown.
        split: on which the models were trained.
        models: one for each column.
        seed: of the models.
        images: indices into the test set, one for each row.
        style: how it looks.
        runs: the digest of the spec by which each model has to be made, by its run's name.
        target: the class that maps are for: ``predicted``, each model's own answer, or ``label``, the image's.
    """

    dataset: Labelled
    split: str
    models: tuple[Labelled, ...]
    seed: int
    images: tuple[int, ...]
    style: GridStyle
    runs: dict[str, str]
    target: str = "predicted"

    def digest_of(self, model: Labelled) -> str:
        """Of the spec by which a model has to be made."""
        return self.runs[str(Run(self.dataset.name, model.name, self.split, self.seed))]


def runs(dataset: str, stanza: dict, seeds: list[int]) -> list[Run]:
    """The runs that a grid is made from: one for each model, of the first seed."""
    return [Run(dataset, model, stanza["split"], seeds[0]) for model in stanza["models"]]


def details(dataset: str, stanza: dict, config: dict) -> dict:
    """The fields of a :class:`GridSpec` but for ``runs``, in plain values."""
    return {
        "dataset": selection.labelled("datasets", dataset, config),
        "models": [selection.labelled("models", model, config) for model in stanza["models"]],
        "seed": config["seeds"][0],
        **{key: stanza[key] for key in ("split", "images", "style", "target")},
    }


def check(key: str, dataset: str, stanza: dict, config: dict, test_images: int | None) -> Iterator[str]:
    """What is wrong with a grid, a line for each problem.

    Args:
        key: of its stanza.
        dataset: there is one of that name.
        stanza: fits the schema.
        config: the whole one.
        test_images: how many the dataset has; None: not known yet.
    """
    yield from selection.impossible(key, stanza["models"], stanza["split"], [dataset], config)
    if test_images is not None and max(stanza["images"]) >= test_images:
        beyond = next(index for index in stanza["images"] if index >= test_images)
        yield f"{key}.images: {beyond} lies beyond the {test_images} test images, 0 to {test_images - 1}"


def caption(spec: GridSpec) -> str:
    """What the report says about the grid."""
    of = {"predicted": "the class that each model predicts", "label": "the class of the image's label"}[spec.target]
    return (
        f"Where each model looks (Grad-CAM), for the same test images of {spec.dataset.label}, "
        f"seed {spec.seed}. Maps are for {of}. Green: a right prediction; red: a wrong one. "
        "The paper's grids: Figures 9 to 11."
    )
