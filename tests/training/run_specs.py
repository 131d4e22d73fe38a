"""Small runs: their specs, made through the dataclasses alone since a new key must break nothing; how to train them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch

from cnntention.base.device import Machine
from cnntention.base.layout import DataFiles, RunFiles
from cnntention.data.dataset import Dataset
from cnntention.data.specs import Augmentation, Normalization
from cnntention.network.specs import Attention
from cnntention.training import train as step
from cnntention.training.specs import Recipe, RunSpec
from cnntention.training.training import Training

SELFATT = Attention("selfatt", "weighted", {})
MHA = Attention("mha", "weighted", {"heads": 8})
CBAM = Attention("cbam", "plain", {"reduction": 16})
NORMALIZATION = Normalization((0.3,), (0.25,))

RECIPE = Recipe(
    optimizer="adam",
    lr=0.01,
    weight_decay=1e-4,
    batch_size=16,
    epochs=2,
    milestones=(),
    gamma=0.1,
    early_stopping=None,
)
RUN = RunSpec(
    dataset="separable",
    model="tiny",
    split="full",
    seed=10,
    validation_images=0,
    normalization=NORMALIZATION,
    augmentation=Augmentation(flip=True, crop_padding=1),
    depth=8,
    attention=None,
    precision="fp32",
    recipe=RECIPE,
)


def recipe(**changes) -> Recipe:
    """Two epochs of Adam, 16 images a step, but for the changes."""
    return dataclasses.replace(RECIPE, **changes)


def run_spec(changed_recipe: dict | None = None, **changes) -> RunSpec:
    """A ResNet-8 on the images of test_dataset.py, but for the changes; of split tune where images are held out."""
    split = "tune" if changes.get("validation_images") else "full"
    return dataclasses.replace(RUN, **{"split": split, "recipe": recipe(**(changed_recipe or {}))} | changes)


def quiet(line: str) -> None:
    """A log that nobody reads."""


def trained(spec: RunSpec, data: Dataset) -> Training:
    """In memory, to the end."""
    training = Training(spec, data, torch.device("cpu"))
    step.finish(training, quiet)
    return training


def files_in(folder: Path) -> RunFiles:
    """All in one folder."""
    names = ("model.pt", "history.csv", "eval.json", "predictions.npz", "state.pt", "state.json", "state.lock")
    return RunFiles(*(folder / name for name in names))


def run(
    folder: Path, paths: tuple[Path, Path], spec: RunSpec, log: Callable[[str], None] = quiet, keep_state: bool = False
) -> Training:
    """From files to the files of :func:`files_in`."""
    return step.train(spec, files_in(folder), DataFiles(*paths), Machine("cpu", threads=1), log, keep_state)
