"""A trained model as a ``.safetensors`` file: weights for every framework, and in its metadata all that rebuilds it.

The metadata has one entry of this project, :data:`KEY`: in JSON, what a ``model.pt`` holds besides the weights
(:meth:`cnntention.training.checkpoint.Checkpoint.notes`). Reading such a file runs no code from it.
"""

import json
import os
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save

from cnntention.base.errors import CheckpointError
from cnntention.base.files import atomic_path
from cnntention.training import checkpoint
from cnntention.training.checkpoint import Checkpoint

SUFFIX = ".safetensors"
KEY = "cnntention"


def write(path: str | os.PathLike, trained: Checkpoint) -> None:
    """Write a model atomically."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trained.model.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(weights, {"format": "pt", KEY: json.dumps(trained.notes(), sort_keys=True)}))


def load(path: str | os.PathLike) -> Checkpoint:
    """Read a model: from a ``.safetensors`` file, or else from a ``model.pt``.

    Raises:
        CheckpointError: the file is missing or damaged, or holds something else.
    """
    if Path(path).suffix != SUFFIX:
        return checkpoint.load(path)
    try:
        with safe_open(path, framework="pt") as file:
            notes = json.loads((file.metadata() or {}).get(KEY, "null"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except Exception as error:  # damaged bytes make the reader raise all kinds of errors
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: damaged, or not a safetensors file ({reason})") from None
    if not isinstance(notes, dict):
        raise CheckpointError(f"{path}: not a model of this project: its metadata has no entry '{KEY}'")
    return checkpoint.rebuilt({"state_dict": weights, **notes}, path)
