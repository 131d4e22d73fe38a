"""CIFAR-100: 50,000 and 10,000 photographs of a hundred classes, 32x32 pixels (Krizhevsky 2009)."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from cnntention.data import cifar
from cnntention.data.source import Known, Source, register

NAMES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""


@register("cifar100")
@dataclasses.dataclass(frozen=True)
class CIFAR100(Source):
    """In torchvision's layout, ``cifar-100-python/`` or the archive beside it, with its checksums and addresses.

    The classes are the hundred "fine" ones; the twenty groups of them are not used.
    """

    mirrored = True
    origin = "cifar100 by torchvision"

    def known(self) -> Known:
        return Known({"train": 50_000, "test": 10_000}, (32, 32, 3), tuple(NAMES.split()))

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from torchvision import datasets  # seconds

        return cifar.load(datasets.CIFAR100, "fine_labels", downloads, mirrors)
