"""What a ``model.pt`` says about its training, read without torch, for those who only ask which config made it."""

import os
import pickle
import zipfile
from collections import OrderedDict
from typing import Any

from cnntention.base.errors import CheckpointError


class _Notes(pickle.Unpickler):
    """Reads plain values. Whatever else there is, tensors above all, becomes None, and no code is run or imported."""

    def find_class(self, module: str, name: str) -> Any:
        return OrderedDict if (module, name) == ("collections", "OrderedDict") else _nothing

    def persistent_load(self, pid: Any) -> None:
        return None


def _nothing(*_: Any) -> None:
    return None


def notes(path: str | os.PathLike) -> dict:
    """``spec`` and ``training`` of a ``model.pt``, see :class:`cnntention.training.checkpoint.Checkpoint`.

    Raises:
        CheckpointError: the file is missing, damaged, or no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (entry,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(entry) as file:
                content = _Notes(file).load()
        return {"spec": dict(content["spec"]), "training": dict(content["training"])}
    except Exception as error:  # a damaged or foreign file makes the reader raise all kinds of errors
        raise CheckpointError(f"{path}: missing, damaged, or no checkpoint ({error}); train this run again") from None
