"""CIFAR-10: 50,000 and 10,000 photographs of ten classes, 32x32 pixels (Krizhevsky 2009; paper, section 3.1)."""

import dataclasses
import io
import os
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnntention.data.download import Official, fetch
from cnntention.data.source import Known, Source, register


@register("cifar10")
@dataclasses.dataclass(frozen=True)
class CIFAR10(Source):
    """In torchvision's layout, ``cifar-10-batches-py/`` or the archive beside it, with its checksums and addresses.

    The batches have checksums of their own, so either will do.
    """

    mirrored = True
    origin = "cifar10 by torchvision"

    def known(self) -> Known:
        names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
        return Known({"train": 50_000, "test": 10_000}, (32, 32, 3), names)

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from torchvision.datasets import CIFAR10 as OFFICIAL  # seconds

        folder = Path(downloads)
        lists = {"train": OFFICIAL.train_list, "test": OFFICIAL.test_list}
        batches = {
            name: Official(folder / OFFICIAL.base_folder / name, md5) for part in lists.values() for name, md5 in part
        }
        if all(batch.is_whole() for batch in batches.values()):
            contents = {name: batch.read() for name, batch in batches.items()}
        else:
            archive = Official(folder / OFFICIAL.filename, OFFICIAL.tgz_md5)
            fetch([archive], [*mirrors, OFFICIAL.url.rpartition("/")[0]], instead=list(batches.values()))
            contents = _unpacked(archive.read(), OFFICIAL.base_folder, list(batches))
        images, labels = {}, {}
        for part, listed in lists.items():
            read = [pickle.loads(contents[name], encoding="latin1") for name, _ in listed]
            pixels = np.concatenate([batch["data"] for batch in read]).reshape(-1, 3, 32, 32)
            images[f"x_{part}"] = pixels.transpose(0, 2, 3, 1)
            labels[f"y_{part}"] = np.concatenate([batch["labels"] for batch in read]).astype(np.int64)
        return images | labels


def _unpacked(archive: bytes, folder: str, names: Sequence[str]) -> dict[str, bytes]:
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in names:
            file = tar.extractfile(f"{folder}/{name}")
            assert file is not None  # a folder or a link, which the official archive does not hold
            contents[name] = file.read()
    return contents
