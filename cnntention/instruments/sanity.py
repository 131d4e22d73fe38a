"""Whether a map depends on what the network has learned (Adebayo et al. 2018), and where in the image it lies.

Weights are replaced by untrained ones, from the classifier down to the first layer, each step keeping those before
(cascading randomisation, their section 3.1); so is attention alone, which is bypassed. A method that answers alike for
the untrained network shows the image and not the model. A map's energy is the sum of its values.
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from cnntention.instruments import maps as cam
from cnntention.instruments.contract import Measurement, Number, Subject
from cnntention.network.attention_use import bypassed
from cnntention.network.resnet import ResNet
from cnntention.training import checkpoint

ABOUT = (
    "Rank correlation (Spearman) of the pixels of an image's Grad-CAM map, for the class that the trained network "
    "predicts, with the map of the same image by another network: without its attention, and with untrained weights "
    "from the classifier down; and with the trained network's map of another image, which is what maps have in common "
    "whatever they show. A map that is zero everywhere counts as 0; no map: share of such images. Distance: of the "
    "map's energy from the centre of the image, in pixels; an even map has the same value everywhere."
)
NEEDS = ""
OPTIONS: dict[str, dict] = {}
LEAST_IMAGES = 2

TRAINED, EVEN, OTHER_IMAGE, BYPASSED = "as trained", "even map", "another image", "attention bypassed"
SEED = 1
"""Of the untrained weights: not of any training, whose seeds a config chooses."""
RINGS = 8


def measure(subject: Subject) -> Measurement:
    """A row for each network; arrays ``energy`` and ``area`` float ``[RINGS]``, the share of the trained network's maps
    and of the pixels in rings of equal width about the centre, and ``edges`` float ``[RINGS + 1]`` in pixels."""
    classes = subject.logits().argmax(1)
    real = cam.of(subject, classes)
    ranks = cam.standard_ranks(real)
    distance = from_centre(*real.shape[1:])
    numbers = _numbers(TRAINED, real, cam.correlation(ranks, ranks), distance)
    numbers.append(Number("distance", "px", float(distance.mean()), {"network": EVEN}))
    other_image = cam.correlation(ranks, np.roll(ranks, 1, axis=0))
    numbers.append(Number.over_images("rank correlation", "", other_image, {"network": OTHER_IMAGE}))
    for name, network in networks(subject):
        maps = cam.of(subject, classes, network)
        numbers += _numbers(name, maps, cam.correlation(ranks, cam.standard_ranks(maps)), distance)
    return Measurement(numbers, rings(real, distance))


def networks(subject: Subject) -> Iterator[tuple[str, ResNet]]:
    """Each name with its network, which is as named until the next one is asked for."""
    network, untrained = copy.deepcopy(subject.model), _untrained(subject)
    for (name, parts), (_, fresh) in zip(_from_the_top(network), _from_the_top(untrained), strict=True):
        for part, other in zip(parts, fresh, strict=True):
            part.load_state_dict(other.state_dict())
        yield name, network
    if any(subject.model.connections()):
        with bypassed(subject.model, range(len(subject.model.stages))):
            yield BYPASSED, subject.model


def _from_the_top(model: ResNet) -> Iterator[tuple[str, list[nn.Module]]]:
    """Parts of a network from its classifier down, each named for a network that is untrained as far as that."""
    yield "untrained classifier", [model.fc]
    for stage in reversed(range(len(model.stages))):
        yield f"… to stage {stage + 1}", [model.stages[stage], model.attention[stage]]
    yield "all untrained", [model.conv, model.bn]


def _untrained(subject: Subject) -> ResNet:
    """The network as a training begins with it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return checkpoint.build(subject.spec, subject.data.in_channels, len(subject.data.class_names))


def from_centre(height: int, width: int) -> np.ndarray:
    """Distance of each pixel from the centre of the image, ``[H, W]`` in pixels."""
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in (height, width))
    return np.hypot(rows[:, None], columns)


def _numbers(network: str, maps: np.ndarray, agreement: np.ndarray, distance: np.ndarray) -> list[Number]:
    of: dict[str, str | int] = {"network": network}
    empty = cam.empty(maps)
    numbers = [
        Number.over_images("rank correlation", "", agreement, of),
        Number.share("no map", empty, of),
    ]
    if not empty.all():
        energy = maps[~empty].astype(float)
        mean = (energy * distance).sum((1, 2)) / energy.sum((1, 2))
        numbers.append(Number.over_images("distance", "px", mean, of))
    return numbers


def rings(maps: np.ndarray, distance: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of a measurement, of maps ``[N, H, W]`` and the distance of their pixels ``[H, W]``."""
    edges = np.linspace(0, distance.max(), RINGS + 1)
    ring = np.clip(np.digitize(distance, edges) - 1, 0, RINGS - 1).ravel()
    flat = maps[~cam.empty(maps)].reshape(-1, distance.size).astype(float)
    shares = (flat / flat.sum(1, keepdims=True)).sum(0) / max(1, len(flat))
    energy = np.bincount(ring, shares, RINGS)
    return {"energy": energy, "area": np.bincount(ring, minlength=RINGS) / distance.size, "edges": edges}
