"""Maps of the same images for the class of their label, kept for comparison with those of other networks.

What networks have in common is a matter of several runs, see ``reporting/instruments/comparisons/agreement.py``.
"""

import numpy as np

from cnntention.instruments import maps as cam
from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "Rank correlation (Spearman) of the pixels of two networks' Grad-CAM maps of the same image, both for the class "
    "of its label; a map that is zero everywhere counts as 0. Itself, another seed: between trainings of one model. "
    "Seeds' lead: how much more trainings of one model agree than those of the two models; where its interval holds 0, "
    "maps are not shown to differ more between models than between seeds. Another image: the same network's map of "
    "another image, which is what all maps have in common. No map: share of images whose map is zero everywhere."
)
NEEDS = ""
OPTIONS: dict[str, dict] = {}
LEAST_IMAGES = 2

OTHER_IMAGE = "another image"


def measure(subject: Subject) -> Measurement:
    """One row, of the network beside itself; array ``maps`` float16 ``[N, H, W]`` in 0..1."""
    maps = cam.of(subject, subject.part.labels)
    ranks = cam.standard_ranks(maps)
    of: dict[str, str | int] = {"beside": OTHER_IMAGE}
    return Measurement(
        [
            Number.over_images("agreement", "", cam.correlation(ranks, np.roll(ranks, 1, axis=0)), of),
            Number.share("no map", cam.empty(maps), of),
        ],
        {"maps": maps.astype(np.float16)},
    )
