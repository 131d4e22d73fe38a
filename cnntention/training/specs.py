"""What a network depends on in the config: a training, or an import of weights that were trained elsewhere."""

import dataclasses
from typing import Any, Literal

from cnntention.base import specs
from cnntention.base.layout import Run
from cnntention.data.specs import Augmentation, Normalization
from cnntention.network.specs import WIDTHS, Attention, Weights


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
class Start:
    """Trained weights that a training begins with, in place of random ones: those of a model without attention.

    Attributes:
        model: its name in the config; the run is that on the same dataset and split, from the same seed.
        train: ``all`` weights; or ``attention`` alone, with its gates: the trunk then stays as it is, the statistics of
            its batch norm included.
        digest: of that run's spec.
    """

    model: str
    train: Literal["all", "attention"]
    digest: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A network and what it is judged by, wherever its weights come from.

    Attributes:
        dataset: its name in the config.
        model: likewise.
        split: ``full`` or ``tune``, see :mod:`cnntention.data.split`.
        seed: of a training's weights, batches and augmentation; it tells runs apart.
        validation_images: held out of the training images; 0 with split ``full``.
        normalization: None: pixels in [0, 1].
        depth: number of weighted layers of the ResNet, 6n+2.
        attention: None: without attention.
        widths: channels of the three stages.
    """

    dataset: str
    model: str
    split: str
    seed: int
    validation_images: int
    normalization: Normalization | None
    depth: int
    attention: Attention | None
    widths: tuple[int, int, int] = WIDTHS

    @property
    def run(self) -> Run:
        """Which run it is."""
        return Run(self.dataset, self.model, self.split, self.seed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSpec(NetworkSpec):
    """What one training depends on.

    Attributes:
        augmentation: of training images.
        precision: ``auto``, ``fp32`` or ``bf16``.
        recipe: of the training.
        start: None: random weights.
    """

    augmentation: Augmentation
    precision: str
    recipe: Recipe
    start: Start | None = None

    @property
    def start_run(self) -> Run | None:
        """Which run it starts from."""
        return dataclasses.replace(self.run, model=self.start.model) if self.start else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImportSpec(NetworkSpec):
    """What a network depends on that was trained elsewhere.

    Attributes:
        weights: that it has.
    """

    weights: Weights


def read_spec(content: Any) -> RunSpec | ImportSpec:
    """The spec of a run in a result, from plain dicts and lists.

    Raises:
        ValueError: it is none.
    """
    return specs.read(ImportSpec, content) if is_imported(content) else specs.read(RunSpec, content)


def is_imported(content: Any) -> bool:
    """Whether the spec in a result is of a network that was trained elsewhere."""
    return isinstance(content, dict) and "weights" in content


def is_of(digest: str, content: Any) -> bool:
    """Whether the run's spec in a result has this digest.

    Anything that is not a spec has not: whatever it is, this config did not make it.
    """
    try:
        return specs.digest(read_spec(content)) == digest
    except ValueError:
        return False
