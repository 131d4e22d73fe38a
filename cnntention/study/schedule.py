"""Recipes of another length."""

import math


def scaled(recipe: dict, epochs: int) -> dict:
    """A recipe of so many epochs, its milestones scaled in proportion.

    They are rounded up: in a very short schedule the last ones then fall away rather than pile up.
    """
    milestones = [math.ceil(milestone * epochs / recipe["epochs"]) for milestone in recipe["milestones"]]
    return recipe | {"epochs": epochs, "milestones": milestones}
