"""A training in memory: whole dataset on the device, augmentation there, final-epoch weights always."""

import copy
import dataclasses
import math
import time
from collections.abc import Callable

import torch

from cnntention.base.device import Machine, memory_format
from cnntention.data.batches import Augmenter, Normalizer
from cnntention.data.dataset import Dataset
from cnntention.data.split import judging_part
from cnntention.network import predict
from cnntention.network.attention_use import gates as gates_of
from cnntention.network.attention_use import shares as shares_of
from cnntention.training import captured, checkpoint, compilation, randomness
from cnntention.training.captured import Captured, rates_in_tensors
from cnntention.training.epoch import DivergenceError, Epoch
from cnntention.training.optimization import Stopper, build_optimizer, build_schedule
from cnntention.training.plan import Plan
from cnntention.training.specs import RunSpec
from cnntention.training.start import Trunk
from cnntention.training.step import Step


@dataclasses.dataclass(frozen=True)
class Judgement:
    """How good a model is after an epoch, on validation images with split ``tune``, else on test images.

    Attributes:
        loss: mean cross-entropy.
        error: in percent.
        gates: of each stage's attention, see :mod:`cnntention.network.attention_use`.
        shares: what attention adds, likewise.
        seconds: that finding out took.
    """

    loss: float
    error: float
    gates: list[float | None]
    shares: list[float | None]
    seconds: float


class Training:
    """The model of a run on its way through the epochs of its recipe.

    Each epoch is run, judged, and closed: :meth:`run_epoch` can be left after any step and taken up again,
    :meth:`judge` changes nothing and can be left anywhere. Judging is in fp32, for the curves and for early stopping on
    validation error; the test images never decide anything.

    Args:
        spec: of the run.
        data: of its dataset, on the device.
        device: to compute on.
        plan: how; None: as :class:`cnntention.base.device.Machine` has it by default.
        trunk: that the spec's start says; None: random weights.

    Attributes:
        plan: how it is done in truth: neither compiled nor captured where that fails.
        model: in training, in channels-last memory where the device likes that.
        rows: of the history, one for each closed epoch.
        epoch: the one that is begun and not closed.
        stopped: whether validation error has not improved for long enough.
    """

    def __init__(
        self,
        spec: RunSpec,
        data: Dataset,
        device: torch.device,
        plan: Plan | None = None,
        trunk: Trunk | None = None,
    ):
        recipe, images = spec.recipe, data.parts["train"]
        self.spec = spec
        self.device = device
        plan = plan or Plan.choose(spec, data, device, Machine())
        self.judged_by = judging_part(spec.split)
        self._judging = data.parts[self.judged_by]
        self._images = len(images)
        randomness.seed(spec.seed)
        model = checkpoint.build(spec, data.in_channels, len(data.class_names))
        if spec.start:
            assert trunk is not None, "without the weights that it starts from, it would be another training"
            trunk.give(model, spec.start.train)
        self.model = model.to(device).to(memory_format=memory_format(device))
        self._normalize = Normalizer(spec.normalization, data.in_channels, device)
        # Batches and augmentation draw from a generator of their own: models of one seed then see the same images.
        self._generator = torch.Generator(device).manual_seed(spec.seed)
        trained = (parameter for parameter in self.model.parameters() if parameter.requires_grad)
        self._optimizer = build_optimizer(trained, recipe)
        self._schedule = build_schedule(self._optimizer, recipe, math.ceil(len(images) / recipe.batch_size))
        self._stopper = Stopper(recipe.early_stopping)
        self.step = Step(
            self.model,
            images,
            self._normalize,
            Augmenter(spec.augmentation, self._generator),
            self._optimizer,
            plan.precision,
            recipe.label_smoothing,
        )
        used, self.step.forward = compilation.compiled(plan.compilation, self.model, self._rehearse)
        self.plan = dataclasses.replace(plan, compilation=used)
        self._take: Callable[[Epoch], None] = self.step
        if self.plan.capture.on:
            self.plan = dataclasses.replace(self.plan, capture=self._try_capture())
        if self.plan.capture.on:
            rates_in_tensors(self._optimizer, device)
            self._take = Captured(self.step)
        self.rows: list[dict] = []
        self.epoch: Epoch | None = None
        self.stopped = False
        self._first_epochs = [0]

    def _rehearse(self, forward: compilation.Forward) -> None:
        """Let a way to call the model see batches of each size that an epoch has."""
        self.step.forward = forward
        self.model.train()
        size = self.spec.recipe.batch_size
        for images in {min(size, self._images), self._images % size} - {0}:
            self.step.rehearse(images)

    def _try_capture(self) -> captured.Capture:
        """Whether steps can be captured: some are taken, and what they did to the model is undone."""
        step = copy.copy(self.step)
        step.optimizer = build_optimizer(self.model.parameters(), self.spec.recipe)
        step.augment = Augmenter(self.spec.augmentation, torch.Generator(self.device))
        rates_in_tensors(step.optimizer, self.device)
        self.model.train()
        with compilation.as_it_was(self.model):
            return captured.tried(self.plan.capture, step, self._images, self.spec.recipe.batch_size)

    # ---- from epoch to epoch

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.stopped or len(self.rows) == self.spec.recipe.epochs

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def run_epoch(self, check: Callable[[], None] = lambda: None) -> None:
        """Go on to the end of the epoch that is begun, or else of a new one.

        Args:
            check: called after each step; an exception of it leaves the training as it is after that step.

        Raises:
            DivergenceError: the training loss became NaN or infinite.
        """
        if self.epoch is None:
            self.epoch = Epoch.start(self._images, self.spec.recipe.batch_size, self.lr, self._generator)
        self.model.train()
        self.epoch.run(self._take_step, check)

    def _take_step(self, epoch: Epoch) -> None:
        self._take(epoch)
        self._schedule.step()

    def judge(self) -> Judgement:
        """How good the model is now; it is left in evaluation mode.

        Raises:
            DivergenceError: the loss is NaN or infinite.
        """
        started = time.perf_counter()
        with shares_of(self.model) as shares:
            scores = predict.logits(self.model, self._judging, self._normalize)
        loss, error = predict.loss_and_error(scores, self._judging.labels)
        if not math.isfinite(loss):
            raise DivergenceError(None, loss)
        return Judgement(loss, error, gates_of(self.model), shares, time.perf_counter() - started)

    def close_epoch(self, judgement: Judgement) -> dict:
        """Take the epoch that is run and judged into the history; returns its row."""
        assert self.epoch is not None
        train_loss, train_error = self.epoch.loss_and_error()
        row = {
            "epoch": len(self.rows) + 1,
            "lr": self.epoch.lr,
            "train_loss": train_loss,
            "train_error": train_error,
            f"{self.judged_by}_loss": judgement.loss,
            f"{self.judged_by}_error": judgement.error,
            "seconds": self.epoch.seconds + judgement.seconds,
        }
        for what, of_stages in (("gate", judgement.gates), ("share", judgement.shares)):
            row |= {f"{what}_{stage}": of for stage, of in enumerate(of_stages, start=1) if of is not None}
        self.rows.append(row)
        self.epoch = None
        self.stopped = self.judged_by == "validation" and self._stopper.should_stop(judgement.error)
        return row

    # ---- time

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all epochs."""
        return sum(row["seconds"] for row in self.rows)

    @property
    def seconds_per_epoch(self) -> float | None:
        """What an epoch takes: the mean, without the first of each process, in which kernels are compiled and chosen.

        None before the first; it counts while there is no other.
        """
        usual = [row["seconds"] for index, row in enumerate(self.rows) if index not in self._first_epochs]
        seconds = usual or [row["seconds"] for row in self.rows]
        return sum(seconds) / len(seconds) if seconds else None

    # ---- into a file and out of it

    def state(self) -> dict:
        """What :meth:`restore` needs, in tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "generator": self._generator.get_state(),
            "stopper": self._stopper.state(),
            "rows": self.rows,
            "epoch": self.epoch.state() if self.epoch else None,
            "stopped": self.stopped,
            "first_epochs": self._first_epochs,
        }

    def restore(self, state: dict) -> None:
        """Go on from there, as if there had been no end of a process between."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self.plan.capture.on:
            rates_in_tensors(self._optimizer, self.device)
        self._schedule.load_state_dict(state["schedule"])
        self._generator.set_state(state["generator"])
        self._stopper.restore(state["stopper"])
        self.rows = state["rows"]
        self.epoch = Epoch.restore(state["epoch"], self.device) if state["epoch"] else None
        self.stopped = state["stopped"]
        self._first_epochs = [*state["first_epochs"], len(self.rows)]
