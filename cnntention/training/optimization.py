"""Optimiser, learning-rate schedule and early stopping of a recipe."""

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from cnntention.base.errors import TrainingError
from cnntention.training.specs import EarlyStopping, Recipe


def build_optimizer(parameters: Iterable[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with momentum, or Adam; weight decay is L2 in both, as in the published runs (not AdamW).

    Fused: one kernel for all parameters, where a small network's many small ones would be launched one by one.
    """
    lr, decay = recipe.lr, recipe.weight_decay
    if recipe.optimizer == "sgd":
        momentum, nesterov = recipe.momentum or 0.0, recipe.nesterov
        return _SGD(parameters, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True)
    return _Adam(parameters, lr, weight_decay=decay, fused=True)


def _eager(kind: type[torch.optim.Optimizer]) -> Any:
    """A class of torch's, its methods without the wrappers that keep torch.compile from looking into them.

    These import torch.compile with all that it stands on, which takes every training a second and a half, and no step
    of an optimiser is compiled here.
    """
    wrapped = ("add_param_group", "load_state_dict", "state_dict", "step", "zero_grad")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in wrapped}
    methods["step"] = torch.no_grad()(methods["step"])  # the one other thing that its wrapper does
    return type(kind.__name__, (kind,), methods)


_SGD, _Adam = _eager(torch.optim.SGD), _eager(torch.optim.Adam)


def build_schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate of a recipe whose epochs have so many steps; stepped once a training step.

    With a schedule that of :class:`cnntention.training.specs.OneCycle`, else times gamma after each milestone epoch.

    Raises:
        TrainingError: there are so few steps that the rate of a schedule cannot rise.
    """
    if recipe.schedule:
        total = recipe.epochs * steps
        if recipe.schedule.warmup * total <= 1:
            raise TrainingError(
                f"recipes.*.schedule.warmup: {recipe.schedule.warmup:g} of {total} steps is not more than one, so the "
                "learning rate cannot rise; take more, or more epochs"
            )
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            recipe.lr,
            total_steps=total,
            pct_start=recipe.schedule.warmup,
            anneal_strategy=recipe.schedule.anneal,
            cycle_momentum=False,
        )
    milestones = [epoch * steps for epoch in recipe.milestones]
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, recipe.gamma)


class Stopper:
    """Says when validation error has not improved as the rule of early stopping requires.

    Args:
        rule: None: never stop.
    """

    def __init__(self, rule: EarlyStopping | None):
        self.rule = rule
        self.best = float("inf")
        self.waited = 0

    def should_stop(self, validation_error: float) -> bool:
        """Take the error of one more epoch, and tell whether to stop after it."""
        if self.rule is None:
            return False
        if validation_error < self.best * (1 - self.rule.threshold):
            self.best, self.waited = validation_error, 0
        else:
            self.waited += 1
        return self.waited >= self.rule.patience

    def state(self) -> list:
        """What :meth:`restore` needs."""
        return [self.best, self.waited]

    def restore(self, state: list) -> None:
        """Go on from there."""
        self.best, self.waited = state
