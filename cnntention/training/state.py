"""The rolling state of a training: written after every epoch, so that a killed run goes on where it was.

It lies outside the outputs of the rule, because Snakemake deletes those when a job fails, and it is keyed by everything
that decides over the weights, so that a changed config or changed code never goes on from it.
"""

import os
import random
from pathlib import Path

import numpy as np
import torch

from cnntention.attention.registry import catalogue
from cnntention.canonical import digest
from cnntention.files import atomic_path, sha256
from cnntention.imports import ROOT, closure


def key(spec: dict, data_sha256: str, device: torch.device) -> str:
    """A digest of all that decides over the weights: spec, data, source files, torch, kind of device, CPU threads."""
    blocks = [catalogue()[spec["attention"]["block"]].file] if spec["attention"] else []
    files = closure("cnntention/training/loop.py", *blocks)
    parts = {
        "spec": spec,
        "data": data_sha256,
        "code": [sha256(ROOT / file) for file in files],
        "torch": str(torch.__version__),
        "device": device.type,
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
    }
    return digest(parts)


class State:
    """The state file of one run.

    Args:
        path: of the file.
        key: see :func:`key`; a file with another key is not used.
    """

    def __init__(self, path: str | os.PathLike, key: str):
        self.path = Path(path)
        self.key = key

    def save(self, content: dict) -> None:
        """Write tensors and plain values atomically, with torch's, numpy's and Python's global random states."""
        content = content | {"key": self.key, "random": _random_states()}
        with atomic_path(self.path) as temporary:
            torch.save(content, temporary)

    def load(self) -> dict | None:
        """What was saved under the same key, random states set back; None where there is nothing to go on from."""
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            if content["key"] != self.key:
                return None
            _set_random_states(content["random"])
        except Exception:
            return None  # a damaged state costs the epochs in it, and must not stop the run
        return content

    def remove(self) -> None:
        """Forget the state, after the outputs are written."""
        self.path.unlink(missing_ok=True)


def _random_states() -> dict:
    """Blocks may draw random numbers of their own (dropout), from any of these."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    version, internal, gauss_next = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "numpy": [kind, keys.tolist(), position, has_gauss, gauss],
        "python": [version, list(internal), gauss_next],
    }


def _set_random_states(states: dict) -> None:
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    version, internal, gauss_next = states["python"]
    random.setstate((version, tuple(internal), gauss_next))
