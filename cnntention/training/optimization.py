"""Optimiser, learning-rate schedule and early stopping of a recipe."""

from collections.abc import Iterable

import torch
from torch import nn


def build_optimizer(parameters: Iterable[nn.Parameter], recipe: dict) -> torch.optim.Optimizer:
    """SGD with momentum, or Adam; weight decay is L2 in both, as in the published runs (not AdamW).

    Fused: one kernel for all parameters, where a small network's many small ones would be launched one by one.
    """
    common = {"lr": recipe["lr"], "weight_decay": recipe["weight_decay"], "fused": True}
    if recipe["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, momentum=recipe.get("momentum", 0.0), **common)
    return torch.optim.Adam(parameters, **common)


def build_schedule(optimizer: torch.optim.Optimizer, recipe: dict) -> torch.optim.lr_scheduler.MultiStepLR:
    """The learning rate times gamma after each milestone epoch; stepped once an epoch."""
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, recipe["milestones"], recipe["gamma"])


class EarlyStopping:
    """Says when validation error has not improved by a relative ``threshold`` for ``patience`` epochs.

    Args:
        rule: ``{"patience": epochs, "threshold": fraction}``, or None for never.
    """

    def __init__(self, rule: dict | None):
        self.rule = rule
        self.best = float("inf")
        self.waited = 0

    def should_stop(self, validation_error: float) -> bool:
        """Take the error of one more epoch, and tell whether to stop after it."""
        if self.rule is None:
            return False
        if validation_error < self.best * (1 - self.rule["threshold"]):
            self.best, self.waited = validation_error, 0
        else:
            self.waited += 1
        return self.waited >= self.rule["patience"]
