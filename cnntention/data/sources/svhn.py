"""SVHN: 73,257 and 26,032 digits from photographs of house numbers, 32x32 pixels (Netzer et al. 2011)."""

import dataclasses
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnntention.data.download import Official, fetch
from cnntention.data.source import Known, Source, register


@register("svhn")
@dataclasses.dataclass(frozen=True)
class SVHN(Source):
    """The two MATLAB files of cropped digits, with torchvision's checksums and addresses.

    Its 531,131 easier "extra" images are not used.
    """

    mirrored = True
    origin = "svhn by torchvision"

    def known(self) -> Known:
        return Known({"train": 73_257, "test": 26_032}, (32, 32, 3), tuple("0123456789"))

    def load(self, downloads: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
        from scipy.io import loadmat
        from torchvision import datasets  # seconds

        parts = {part: datasets.SVHN.split_list[part] for part in ("train", "test")}
        files = {part: Official(Path(downloads) / name, md5) for part, (_, name, md5) in parts.items()}
        addresses = dict.fromkeys(url.rpartition("/")[0] for url, _, _ in parts.values())
        fetch(list(files.values()), [*mirrors, *addresses])
        arrays = {}
        for part, file in files.items():
            content = loadmat(io.BytesIO(file.read()))
            arrays[f"x_{part}"] = content["X"].transpose(3, 0, 1, 2)
            arrays[f"y_{part}"] = content["y"].ravel().astype(np.int64) % 10  # the file's label of the digit 0 is 10
        return arrays
