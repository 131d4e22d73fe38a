"""The rolling state of a training, from which a killed run goes on: written after every epoch and on a signal to stop.

It lies outside the outputs of the rule, because Snakemake deletes those when a job fails, and it is keyed by everything
that decides the weights, so that a changed config or changed code never goes on from it.
"""

import os
from collections.abc import Callable
from pathlib import Path

import torch

from cnntention.attention import registry
from cnntention.base import specs
from cnntention.base.code_files import ROOT, closure
from cnntention.base.files import load_tensors, save_tensors, sha256
from cnntention.training import randomness
from cnntention.training.specs import RunSpec


def key(spec: RunSpec, data_sha256: str, device: torch.device, deciding: list) -> str:
    """A digest of all that decides the weights.

    Args:
        spec: of the run.
        data_sha256: of the prepared data.
        device: its kind counts, and on the CPU the number of threads and torch's vector instructions.
        deciding: what else counts, such as :attr:`cnntention.training.plan.Plan.deciding`.
    """
    attention = spec.attention
    block = registry.files(attention.block, attention.options) if attention else ()
    files = sorted({*closure("cnntention/training/training.py"), *block})
    parts = {
        "spec": spec,
        "data": data_sha256,
        "code": [sha256(ROOT / file) for file in files],
        "torch": str(torch.__version__),
        "device": device.type,
        "deciding": deciding,
        "cpu": [torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()] if device.type == "cpu" else None,
    }
    return specs.digest(parts)


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
        save_tensors(self.path, content | {"key": self.key, "random": randomness.states()})

    def keep(self, content: dict) -> Path:
        """Write a state beside this one to be looked at, not to be resumed; returns its path."""
        save_tensors(self._diverged, content)
        return self._diverged

    def load(self, log: Callable[[str], None] = print) -> dict | None:
        """What was saved under the same key, random states set back; None where there is nothing to go on from."""
        if not self.path.exists():
            return None
        try:
            content = load_tensors(self.path)
            if content["key"] != self.key:
                log("starting   anew: there is a state of another config, code, torch or machine")
                return None
            randomness.restore(content["random"])
        except Exception as error:  # a damaged state costs the epochs in it, and must not stop the run
            log(f"starting   anew: {self.path} is damaged ({type(error).__name__})")
            return None
        return content

    def remove(self) -> None:
        """Forget the state, after the outputs are written."""
        self.path.unlink(missing_ok=True)
        self._diverged.unlink(missing_ok=True)

    @property
    def _diverged(self) -> Path:
        return self.path.with_suffix(".diverged" + self.path.suffix)
