"""Specs of small runs, made through the dataclasses alone: a new key with a default breaks nothing here."""

import dataclasses

from cnntention.data.specs import Augmentation, Normalization
from cnntention.network.specs import Attention
from cnntention.training.specs import Recipe, RunSpec

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
