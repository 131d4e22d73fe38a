"""What the report says of each product: a label for its menu, and a caption."""

import re
from collections.abc import Callable

from cnntention.data.split import judged_error

OVERVIEW = "What was run, on what, and what each comparison of a model with its reference shows."


def label(spec: dict) -> str:
    """The label of a table's or figure's spec, such as ``Table 3: Test accuracy of the four models``.

    It is short, since a menu holds it: what stands in brackets at the end is left to the caption.
    """
    name = re.sub(r"(?<=\D)(\d+)$", r" \1", spec["name"]).capitalize()
    text = re.sub(r"(?<=.) \([^()]*\)$", "", spec["title" if "title" in spec else "caption"])
    return f"{name}: {text}"


def table(spec: dict) -> str:
    """The caption of a table's spec, see :meth:`cnntention.study.study.Study.table_spec`."""
    if spec["kind"] == "recipes":
        return f"{spec['caption']}. One row a model; where a published run used another value, it stands in brackets."
    if spec["kind"] == "claims":
        return f"{spec['caption']}. One row a claim, {_seeds(spec)}: both models' values, and what they show."
    if spec["kind"] == "attention":
        return (
            f"{spec['caption']}. One row a dataset and model, {_seeds(spec)}: accuracy as trained and with all "
            "attention blocks left out, the gates of attention, which start at 0, and its share of the feature map."
        )
    text = f"{spec['caption']}. One row a dataset and model, {_seeds(spec)}."
    if spec["reference"]:
        text += " Δ: the difference over shared seeds; the overview says in words what it shows."
    return text + _published(spec, spec["published"], "accuracy")


def figure(spec: dict, published: dict) -> str:
    """The caption of a figure's spec, see :meth:`cnntention.study.study.Study.figure_spec`.

    Args:
        spec: of the figure.
        published: what the paper says of its models, see :meth:`cnntention.study.study.Study.published`.
    """
    curves = " and ".join(curve.replace("_", " ") for curve in spec["curves"])
    text = f"{spec['title']}: {curves} by epoch, {_seeds(spec)}"
    text += "; the band is one standard deviation to each side." if len(spec["seeds"]) > 1 else "."
    judged = judged_error(spec["split"])
    if judged in spec["curves"]:
        text += _published(spec, published, judged.replace("_", " "), lambda accuracy: 100 - accuracy)
    return text


def grid(spec: dict) -> str:
    """The caption of a Grad-CAM grid's spec, see :meth:`cnntention.study.study.Study.grid_spec`."""
    return (
        f"Where each model looks (Grad-CAM), for the same test images of {spec['dataset']['label']}, "
        f"seed {spec['seed']}. Green: a right prediction; red: a wrong one. The paper's grids: Figures 9 to 11."
    )


def _seeds(spec: dict) -> str:
    seeds = ", ".join(map(str, spec["seeds"]))
    return f"mean over seeds {seeds}" if len(spec["seeds"]) > 1 else f"seed {seeds}"


def _published(spec: dict, published: dict, what: str, value: Callable[[float], float] = float) -> str:
    """A sentence with the paper's numbers for a spec's datasets and models; empty where there are none."""
    parts = []
    for dataset in spec["datasets"]:
        known = published.get(dataset["name"], {})
        numbers = [
            f"{model['label']} {value(known[model['name']]['accuracy']):.2f}"
            for model in spec["models"]
            if model["name"] in known
        ]
        if numbers:
            parts.append(f"{dataset['label']}: {', '.join(numbers)}")
    return f" The paper's {what} (%) on {'; on '.join(parts)}." if parts else ""
