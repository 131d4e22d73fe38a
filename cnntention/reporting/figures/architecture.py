"""Networks and their attention blocks, drawn from what the config builds (the paper's Figures 2 and 7)."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from cnntention.base.errors import DataError
from cnntention.base.layout import Run
from cnntention.base.names import unknown
from cnntention.data import source
from cnntention.network.specs import Attention
from cnntention.reporting import selection
from cnntention.reporting.figures.kind import FigureKind, FigureSpec
from cnntention.reporting.kinds import Study
from cnntention.reporting.selection import Coloured, Labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from cnntention.network.operations import Operation
    from cnntention.network.resnet import ResNet

_PLAIN = "#f2f2f2"
_INK = "#222222"
_SMALL = 7
_ARROW: dict[str, Any] = {"arrowstyle": "-|>", "color": _INK, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}


@dataclasses.dataclass(frozen=True)
class Built(Coloured):
    """A model, as far as it says what is built, see :class:`cnntention.training.specs.RunSpec`."""

    depth: int
    widths: tuple[int, int, int]
    attention: Attention | None


@dataclasses.dataclass(frozen=True)
class ArchitectureSpec(FigureSpec):
    """What a figure of networks depends on.

    Attributes:
        dataset: whose images they take.
        image_shape: height, width, channels.
        classes: of the dataset.
        models: a row or column each.
        show: ``networks`` or ``blocks``.
    """

    dataset: Labelled
    image_shape: tuple[int, int, int]
    classes: int
    models: tuple[Built, ...]
    show: str


class Architecture(FigureKind[ArchitectureSpec]):
    """``networks``: a row a model, its parts in the order of the forward pass, with shapes and parameters.
    ``blocks``: a column a model, the operations of its first attention block with its residual connection.

    Both are read from the network that is built and traced, so they show what is trained.
    """

    spec_class = ArchitectureSpec
    required = ("dataset", "models", "show")
    keys: ClassVar[dict[str, dict]] = {
        "dataset": {"$ref": "#/$defs/name", "description": "whose images the networks take"},
        "models": selection.KEYS["models"],
        "show": {
            "enum": ["networks", "blocks"],
            "description": "networks: their parts, a row each; blocks: operations of their attention, a column each",
        },
    }
    files = ()

    def runs(self, stanza: dict, seeds: list[int]) -> list[Run]:
        return []

    def builds(self, stanza: dict) -> list[str]:
        return stanza["models"]

    def check(self, key: str, stanza: dict, config: dict, given: dict) -> Iterator[str]:
        yield from unknown(f"{key}.dataset", stanza["dataset"], config["datasets"])
        yield from unknown(f"{key}.models", stanza["models"], config["models"])
        for model in stanza["models"]:
            if stanza["show"] == "blocks" and config["models"].get(model, {"attention": {}})["attention"] is None:
                yield f"{key}.models: '{model}' has no attention"
        if stanza["style"]["y_max"] is not None:
            yield f"{key}.style.y_max: a figure of networks has no y axis; take it away"
        entry = config["datasets"].get(stanza["dataset"])
        if entry and not _has_classes(entry):
            yield f"{key}.dataset: how many classes '{stanza['dataset']}' has is not known; name them by class_names"

    def details(self, stanza: dict, study: Study) -> dict[str, Any]:
        entry = study.config["datasets"][stanza["dataset"]]
        known = source.of(entry).known()
        height, width, channels = known.image_shape
        size = entry["image_size"]
        models = study.config["models"]
        built = [
            selection.labelled("models", name, study.config)
            | {key: models[name][key] for key in ("color", "depth", "widths", "attention")}
            for name in stanza["models"]
        ]
        return {
            "dataset": selection.labelled("datasets", stanza["dataset"], study.config),
            "image_shape": [size or height, size or width, channels],
            "classes": len(known.class_names or ()),
            "models": built,
            "show": stanza["show"],
        }

    def caption(self, spec: ArchitectureSpec, tables: dict[str, dict]) -> str:
        what = f"on {spec.dataset.label}, read from the networks that the config builds"
        if spec.show == "networks":
            return f"{spec.title}, {what}: each part with the shape of its result and its parameters."
        return (
            f"{spec.title}, {what}: the operations of each model's first attention with its residual connection, as "
            "torch traces them, with shapes and parameters; what only rearranges numbers is left out."
        )

    def read(self, results: str, spec: ArchitectureSpec) -> pd.DataFrame:
        return pd.DataFrame()

    def draw(self, spec: ArchitectureSpec, runs: pd.DataFrame) -> "Figure":
        from cnntention.reporting.style import Figure, styled

        with styled():
            rows = len(spec.models) if spec.show == "networks" else 1
            figure = Figure(figsize=(spec.style.width, spec.style.height * rows), layout="constrained")
            figure.suptitle(f"{spec.title} ({spec.dataset.label})", fontsize=11, fontweight="bold")
            columns = len(spec.models) // rows
            axes = figure.subplots(rows, columns, squeeze=False).ravel()
            for ax, model in zip(axes, spec.models, strict=True):
                ax.set_axis_off()
                ax.set_xlim(0, 1)
                ax.set_ylim(0, 1)
                (_network if spec.show == "networks" else _block)(ax, spec, model)
        return figure


KIND = Architecture()


def _has_classes(entry: dict) -> bool:
    """Whether the names of a dataset's classes are known, or its own check tells what is wrong with it."""
    try:
        return source.of(entry).known().class_names is not None
    except (ValueError, DataError):
        return True


def _network(ax: "Axes", spec: ArchitectureSpec, model: Built) -> None:
    """Parts from left to right."""
    from cnntention.network.complexity import multiply_adds
    from cnntention.network.outline import outline

    network = _build(spec, model)
    parts = outline(network, spec.image_shape)
    boxes = [
        _box(
            ax,
            (0.05 + 0.9 * position / (len(parts) - 1), 0.5),
            [part.name, _size(part.shape), _count(part.parameters)],
            model.color if part.attention else None,
        )
        for position, part in enumerate(parts)
    ]
    for before, after in itertools.pairwise(boxes):
        _arrow(ax, before, after)
    total = sum(part.parameters for part in parts)
    adds = multiply_adds(network, spec.image_shape) / 1e6
    ax.set_title(f"{model.label}: {total:,} parameters, {adds:.1f} M multiply-adds", fontsize=9, loc="left")


def _block(ax: "Axes", spec: ArchitectureSpec, model: Built) -> None:
    """Operations from top to bottom, each below all that it needs."""
    from cnntention.network.operations import operations

    network = _build(spec, model)
    connection = next(connection for stage in network.connections() for connection in stage)
    stage = next(number for number, of in enumerate(network.connections()) if connection in of)
    height, width, _ = spec.image_shape
    down = 2**stage
    shape = (model.widths[stage], math.ceil(height / down), math.ceil(width / down))
    found = operations(connection, shape)
    layers = _layers(found)
    places = _places(found, layers)
    boxes = [
        _box(ax, place, [each.name, _size(each.shape), _count(each.parameters)], model.color if position else None)
        for position, (each, place) in enumerate(zip(found, places, strict=True))
    ]
    lanes = itertools.count()
    for position, each in enumerate(found):
        for before in each.inputs:
            if layers[position] - layers[before] > 1:
                _detour(ax, boxes[before], boxes[position], 1.02 + 0.04 * next(lanes))
            else:
                _arrow(ax, boxes[before], boxes[position])
    ax.set_xlim(0, 1.02 + 0.04 * next(lanes))
    total = sum(each.parameters for each in found)
    ax.set_title(f"{model.label}, stage {stage + 1}: {total:,} parameters", fontsize=9)


def _build(spec: ArchitectureSpec, model: Built) -> "ResNet":
    from cnntention.network.resnet import ResNet

    return ResNet(model.depth, spec.image_shape[2], spec.classes, model.attention, model.widths).eval()


def _layers(found: "list[Operation]") -> list[int]:
    """How long the longest way from the input to each operation is."""
    layers: list[int] = []
    for each in found:
        layers.append(1 + max((layers[before] for before in each.inputs), default=-1))
    return layers


def _places(found: "list[Operation]", layers: list[int]) -> list[tuple[float, float]]:
    """Where operations stand: layer below layer, side by side in the order of what they come from."""
    across = [0.5] * len(found)
    for layer in range(max(layers) + 1):
        own = [position for position in range(len(found)) if layers[position] == layer]
        own.sort(key=lambda position: _middle([across[before] for before in found[position].inputs]))
        for order, position in enumerate(own):
            across[position] = (order + 0.5) / len(own)
    steps = max(layers) or 1
    return [(x, 0.97 - 0.94 * layer / steps) for x, layer in zip(across, layers, strict=True)]


def _middle(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.5


def _box(ax: "Axes", place: tuple[float, float], lines: list[str], color: str | None) -> "Annotation":
    """Lines of text in a box, pale in a colour, grey without."""
    from matplotlib.colors import to_rgb

    pale = tuple(0.8 + 0.2 * part for part in to_rgb(color)) if color else _PLAIN
    frame = {"boxstyle": "round,pad=0.35", "facecolor": pale, "edgecolor": color or _INK, "linewidth": 0.8}
    text = "\n".join(line for line in lines if line)
    return ax.annotate(text, place, ha="center", va="center", fontsize=_SMALL, bbox=frame)


def _arrow(ax: "Axes", before: "Annotation", after: "Annotation") -> None:
    own = {"patchA": before.get_bbox_patch(), "patchB": after.get_bbox_patch()}
    ax.annotate("", xy=after.xy, xytext=before.xy, arrowprops=_ARROW | own)


def _detour(ax: "Axes", before: "Annotation", after: "Annotation", lane: float) -> None:
    """An arrow that passes other operations at their right."""
    top, bottom = before.xy[1] - 0.006, after.xy[1] + 0.006  # apart from another one that ends where it begins
    ax.plot([before.xy[0], lane, lane], [top, top, bottom], color=_INK, linewidth=_ARROW["linewidth"], zorder=0)
    ax.annotate(
        "", xy=(after.xy[0], bottom), xytext=(lane, bottom), arrowprops=_ARROW | {"patchB": after.get_bbox_patch()}
    )


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _count(parameters: int) -> str:
    return f"{parameters:,} parameter{'s' if parameters > 1 else ''}" if parameters else ""
