"""Whether the pixels that a map marks are those on which the answer rests.

Five measures, all of the probability p that the network gives to the class that it predicts for the whole image:

- ROAD (Rong et al. 2022, grad-cam's own, 20, 40, 60 and 80% of the pixels): pixels are replaced by what their
  neighbours suggest; half of the p that is left without the least relevant, less that without the most relevant ones.
- Increase and drop of confidence (Chattopadhay et al. 2018, grad-cam's own): the network's input is multiplied by the
  map; share of images whose p rises, and the mean over all images of what is lost (0 where p rises), here in points of
  p rather than of its share.
- Insertion and deletion (Petsiuk et al. 2018): area below p as the most relevant pixels first come into an image of
  the mean colour, or leave the whole image for that colour.

Each null has the values of the image's own map at other places, so that only the places differ. What rests on the order
of pixels alone (all but confidence) breaks ties at random: half of a Grad-CAM map is often zero.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cnntention.instruments import maps as cam
from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "All numbers are of the probability of the predicted class. ROAD: what it keeps without the least relevant pixels, "
    "less what it keeps without the most relevant ones, halved (higher is better); increase: share of images where it "
    "rises when the input is multiplied by the map, and drop: what it loses (lower); insertion: its mean as the most "
    "relevant pixels come first (higher), and deletion: as they go first (lower). Random, centre, edges: the values of "
    "the same image's Grad-CAM map where a random map of the same smoothness, the distance from the centre, or the "
    "image's edges (Sobel) would put them. Grad-CAM − …: the difference on the same images; where its interval "
    "holds 0, the map is not shown to be worth more."
)
NEEDS = ""
OPTIONS = {
    "steps": {
        "type": "integer",
        "minimum": 2,
        "maximum": 100,
        "default": 10,
        "description": "in how many steps pixels come in and go out",
    },
}

MAP, NULLS = "Grad-CAM", ("random", "centre", "edges")
INCREASE = "increase"
ROAD_PERCENTILES = [20, 40, 60, 80]
SEED = 0
"""Of random maps, ties and the noise of ROAD."""
AT_ONCE = 100

Model = Callable[[Tensor], Tensor]


def measure(subject: Subject, steps: int) -> Measurement:
    """A row for each kind of map, then one for the difference between Grad-CAM and each null.

    Arrays: ``insertion`` and ``deletion`` float ``[4, steps + 1]``, mean probability after each step, in the order of
    the maps' rows.
    """
    random = np.random.default_rng(SEED)
    classes = subject.logits().argmax(1)
    real = cam.of(subject, classes)
    compared = {MAP: real} | {name: like(real, order, random) for name, order in nulls(subject, random).items()}
    found = {name: judged(subject, maps, classes, steps, random) for name, maps in compared.items()}
    numbers = [number for name, scores in found.items() for number in _numbers(scores.values, name)]
    for name in NULLS:
        lead = {measure: values - found[name].values[measure] for measure, values in found[MAP].values.items()}
        numbers += _numbers(lead, f"{MAP} − {name}")
    curves = {key: np.stack([getattr(scores, key).mean(0) for scores in found.values()]) for key in Scores.CURVES}
    return Measurement(numbers, curves)


def nulls(subject: Subject, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Scores ``[N, H, W]`` by which each null orders the pixels of the images, the most relevant highest."""
    from scipy.ndimage import sobel

    images = subject.part.images.cpu().float().mean(3).numpy()
    count, height, width = images.shape
    coarse = torch.from_numpy(random.standard_normal((count, 1, *cam.resolution(subject))))
    smooth = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)[:, 0]
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in (height, width))
    centre = -np.hypot(rows[:, None], columns)
    edges = np.hypot(sobel(images, axis=1), sobel(images, axis=2))
    return {"random": smooth.numpy(), "centre": np.broadcast_to(centre, images.shape), "edges": edges}


def order(scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Place of each pixel in its image's order, int64 ``[N, H, W]`` from 0 to HW - 1; ties are broken at random."""
    flat = scores.reshape(len(scores), -1)
    ascending = np.lexsort((random.random(flat.shape), flat))
    places = np.empty_like(ascending)
    np.put_along_axis(places, ascending, np.broadcast_to(np.arange(flat.shape[1]), flat.shape), axis=1)
    return places.reshape(scores.shape)


def like(maps: np.ndarray, scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The values of each map ``[N, H, W]``, in the order of the scores."""
    values = np.sort(maps.reshape(len(maps), -1), axis=1)
    places = order(scores, random).reshape(values.shape)
    return np.take_along_axis(values, places, axis=1).reshape(maps.shape)


class Scores:
    """What one kind of map is worth.

    Attributes:
        values: by measure, ``[N]`` in percent.
        insertion: probability ``[N, steps + 1]`` after each step.
        deletion: likewise.
    """

    CURVES = ("insertion", "deletion")

    def __init__(self, road: np.ndarray, change: np.ndarray, insertion: np.ndarray, deletion: np.ndarray):
        self.insertion, self.deletion = insertion, deletion
        width = 1 / (insertion.shape[1] - 1)
        self.values = {
            "ROAD": 100 * road,
            INCREASE: 100.0 * (change > 0),
            "drop": 100 * np.maximum(-change, 0),
            "insertion": 100 * np.trapezoid(insertion, dx=width, axis=1),
            "deletion": 100 * np.trapezoid(deletion, dx=width, axis=1),
        }


def judged(subject: Subject, maps: np.ndarray, classes: Tensor, steps: int, random: np.random.Generator) -> Scores:
    """All measures of one map an image, ``[N, H, W]`` in 0..1, for these classes ``[N]``."""
    places = order(maps, random)
    found: list[tuple[np.ndarray, ...]] = []
    for start in range(0, len(maps), AT_ONCE):
        batch = slice(start, start + AT_ONCE)
        images = subject.normalize(subject.part.images[batch])
        model = remembering(subject.model, images)
        found.append(
            (
                *_by_grad_cam(model, images, maps[batch], places[batch], classes[batch]),
                *_curves(model, images, torch.from_numpy(places[batch]).to(images.device), classes[batch], steps),
            )
        )
    return Scores(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def remembering(model: Model, images: Tensor) -> Model:
    """The model, which computes its answer to these images once: grad-cam asks for it with each number of pixels."""
    with torch.inference_mode():
        known = model(images)
    return lambda x: known if x is images else model(x)


def _by_grad_cam(
    model: Model, images: Tensor, maps: np.ndarray, places: np.ndarray, classes: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """ROAD ``[B]``, and the change of confidence ``[B]``, by the library's own metrics."""
    from pytorch_grad_cam.metrics.cam_mult_image import CamMultImageConfidenceChange
    from pytorch_grad_cam.metrics.road import ROADCombined
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

    targets = [ClassifierOutputSoftmaxTarget(each) for each in classes.tolist()]
    ranked = (places / (places[0].size - 1)).astype(np.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        road = ROADCombined(ROAD_PERCENTILES)(images, ranked, targets, model)
    return road, CamMultImageConfidenceChange()(images, maps, targets, model)


@torch.inference_mode()
def _curves(model: Model, images: Tensor, places: Tensor, classes: Tensor, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Probability ``[B, steps + 1]`` as pixels come in, and as they go out."""

    def probability(images: Tensor) -> Tensor:
        return model(images).softmax(1).cpu().gather(1, classes[:, None])[:, 0]

    pixels = places[0].numel()
    blank = images.mean((2, 3), keepdim=True)
    whole, nothing = probability(images), probability(blank.expand_as(images).contiguous())
    inserted, deleted = [nothing], [whole]
    for step in range(1, steps):
        marked = (places >= pixels - round(pixels * step / steps))[:, None]
        inserted.append(probability(torch.where(marked, images, blank)))
        deleted.append(probability(torch.where(marked, blank, images)))
    inserted.append(whole)
    deleted.append(nothing)
    return torch.stack(inserted, 1).numpy(), torch.stack(deleted, 1).numpy()


def _numbers(values: dict[str, np.ndarray], of: str) -> list[Number]:
    """Means over images; the increase of a map itself is a share of them."""
    return [
        Number.share(name, each > 0, {"map": of})
        if name == INCREASE and of in (MAP, *NULLS)
        else Number.over_images(name, "%", each, {"map": of})
        for name, each in values.items()
    ]
