"""What a training depends on in the config."""

import dataclasses
from typing import Any, Literal

from cnntention.base import specs
from cnntention.base.layout import Run
from cnntention.data.specs import Augmentation, Normalization
from cnntention.network.specs import WIDTHS, Attention


@dataclasses.dataclass(frozen=True)
class EarlyStopping:
    """On validation error.

    Attributes:
        patience: epochs without improvement after which training stops.
        threshold: relative improvement that counts.
    """

    patience: int
    threshold: float


@dataclasses.dataclass(frozen=True)
class OneCycle:
    """A learning rate that changes with every step: from a 25th of ``lr`` up to ``lr``, then down to nothing.

    So a short schedule is fair as well (Smith and Topin 2018, "Super-convergence"; torch's ``OneCycleLR``).

    Attributes:
        kind: ``onecycle``.
        warmup: share of all steps over which the rate rises.
        anneal: ``cos`` or ``linear``, the form of rise and fall.
    """

    kind: Literal["onecycle"]
    warmup: float
    anneal: Literal["cos", "linear"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        optimizer: ``sgd`` or ``adam``.
        lr: learning rate at the start; with a schedule, the highest.
        weight_decay: factor of the L2 penalty.
        batch_size: images per step.
        epochs: passes over the training images.
        milestones: epochs after which the learning rate is multiplied by ``gamma``.
        gamma: see milestones.
        early_stopping: None: train to the last epoch.
        momentum: of SGD.
        nesterov: whether momentum looks ahead (Nesterov 1983), for SGD.
        label_smoothing: share of each label that is spread evenly over all classes, in training (Szegedy et al. 2015).
        schedule: of the learning rate, from step to step; None: milestones.
    """

    optimizer: str
    lr: float
    weight_decay: float
    batch_size: int
    epochs: int
    milestones: tuple[int, ...]
    gamma: float
    early_stopping: EarlyStopping | None
    momentum: float | None = None
    nesterov: bool = False
    label_smoothing: float = 0.0
    schedule: OneCycle | None = None


@dataclasses.dataclass(frozen=True)
class RunSpec:
    """What one training depends on.

    Attributes:
        dataset: its name in the config.
        model: likewise.
        split: ``full`` or ``tune``, see :mod:`cnntention.data.split`.
        seed: of weights, batches and augmentation.
        validation_images: held out of the training images; 0 with split ``full``.
        normalization: None: pixels in [0, 1].
        augmentation: of training images.
        depth: number of weighted layers of the ResNet, 6n+2.
        attention: None: without attention.
        precision: ``auto``, ``fp32`` or ``bf16``.
        recipe: of the training.
        widths: channels of the three stages.
    """

    dataset: str
    model: str
    split: str
    seed: int
    validation_images: int
    normalization: Normalization | None
    augmentation: Augmentation
    depth: int
    attention: Attention | None
    precision: str
    recipe: Recipe
    widths: tuple[int, int, int] = WIDTHS

    @property
    def run(self) -> Run:
        """Which run it is."""
        return Run(self.dataset, self.model, self.split, self.seed)


def is_of(digest: str, content: Any) -> bool:
    """Whether the run's spec in a result has this digest.

    Anything that is not a spec has not: whatever it is, this config did not make it.
    """
    try:
        return specs.digest(specs.read(RunSpec, content)) == digest
    except ValueError:
        return False
