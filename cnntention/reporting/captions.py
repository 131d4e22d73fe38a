"""What the report says about each product: a label for its menu, and parts of captions."""

import re
from collections.abc import Sequence

from cnntention.reporting.selection import Selection

OVERVIEW = "What was run, on what, and what each comparison of a model with its reference shows."


def label(name: str, text: str) -> str:
    """The label of a table or figure, such as ``Table 3: Test accuracy of the four models``.

    It is short, for a menu: what stands in brackets at the end is left to the caption.

    Args:
        name: in the config.
        text: its caption or title there.
    """
    name = re.sub(r"(?<=\D)(\d+)$", r" \1", name).capitalize()
    text = re.sub(r"(?<=.) \([^()]*\)$", "", text)
    return f"{name}: {text}"


def seeds(of: Sequence[int]) -> str:
    """What a product's numbers are taken over."""
    listed = ", ".join(map(str, of))
    return f"mean over seeds {listed}" if len(of) > 1 else f"seed {listed}"


def published(shown: Selection, values: dict[str, dict[str, float]], what: str) -> str:
    """A sentence with the paper's numbers for the datasets and models that are shown; empty where there are none.

    Args:
        shown: datasets and models.
        values: in percent, by dataset and model.
        what: the numbers are.
    """
    parts = []
    for dataset in shown.datasets:
        known = values.get(dataset.name, {})
        numbers = [f"{model.label} {known[model.name]:.2f}" for model in shown.models if model.name in known]
        if numbers:
            parts.append(f"{dataset.label}: {', '.join(numbers)}")
    return f" The paper's {what} (%) on {'; on '.join(parts)}." if parts else ""


def published_accuracies(tables: dict[str, dict], split: str) -> dict[str, dict[str, float]]:
    """The accuracies in percent that all tables of the config know from the paper, by dataset and model.

    Args:
        tables: stanzas of the config.
        split: on which the accuracies were judged.
    """
    found: dict[str, dict[str, float]] = {}
    for table in tables.values():
        if table["kind"] == "accuracy" and table["split"] == split:
            for dataset, models in table["published"].items():
                accuracies = {model: values["accuracy"] for model, values in models.items()}
                found.setdefault(dataset, {}).update(accuracies)
    return found
