"""CIFAR-10's and CIFAR-100's archives (Krizhevsky 2009): a tar of pickled batches, each with its own checksum."""

import io
import os
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnntention.data.download import Official, fetch


def load(
    official: Any, labels_key: str, downloads: str | os.PathLike, mirrors: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """The images, from the batches or from the archive beside them, whichever is whole; fetched if neither is.

    Args:
        official: torchvision's class, with its checksums and addresses.
        labels_key: of the labels in a batch.
        downloads: the folder of downloads, in torchvision's layout.
        mirrors: addresses to try before the official one.

    Returns:
        As :meth:`cnntention.data.source.Source.load`.

    Raises:
        DataError: the images cannot be obtained, or are damaged.
    """
    folder = Path(downloads)
    lists = {"train": official.train_list, "test": official.test_list}
    batches = {
        name: Official(folder / official.base_folder / name, md5) for part in lists.values() for name, md5 in part
    }
    if all(batch.is_whole() for batch in batches.values()):
        contents = {name: batch.read() for name, batch in batches.items()}
    else:
        archive = Official(folder / official.filename, official.tgz_md5)
        fetch([archive], [*mirrors, official.url.rpartition("/")[0]], instead=list(batches.values()))
        contents = _unpacked(archive.read(), official.base_folder, list(batches))
    images, labels = {}, {}
    for part, listed in lists.items():
        read = [pickle.loads(contents[name], encoding="latin1") for name, _ in listed]
        pixels = np.concatenate([batch["data"] for batch in read]).reshape(-1, 3, 32, 32)
        images[f"x_{part}"] = pixels.transpose(0, 2, 3, 1)
        labels[f"y_{part}"] = np.concatenate([batch[labels_key] for batch in read]).astype(np.int64)
    return images | labels


def _unpacked(archive: bytes, folder: str, names: Sequence[str]) -> dict[str, bytes]:
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in names:
            file = tar.extractfile(f"{folder}/{name}")
            assert file is not None  # a folder or a link, which the official archive does not hold
            contents[name] = file.read()
    return contents
