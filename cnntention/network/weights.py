"""Weights of a network that was trained elsewhere, read without running code from their file and fitted to one of ours.

What does not fit is an error that names it, and leaves the network as it is.
"""

import os
import pickle
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cnntention.base.errors import CheckpointError
from cnntention.base.files import load_tensors

NESTED = ("state_dict", "model")
"""Keys under which a checkpoint may hold the weights beside other things."""
PREFIX = "module."
"""What ``nn.DataParallel`` puts before each name."""
COUNTER = "num_batches_tracked"
"""A batch norm's, which changes no answer; torch before 0.4.1 did not have it."""
REMEDY = "what is needed is a model's state_dict(), as torch.save writes it"
SHOWN = 5
"""Names in a message; the others are counted."""


def read(path: str | os.PathLike) -> dict[str, Tensor]:
    """The weights in a file, by name.

    The file is one of safetensors, by its suffix, or else of torch: a state dict, or a dict that holds one under one of
    :data:`NESTED`. A :data:`PREFIX` that all names have is left out.

    Raises:
        CheckpointError: the file is missing or damaged, or holds code or something other than weights by name.
    """
    content = _safetensors(path) if Path(path).suffix == ".safetensors" else _of_torch(path)
    while isinstance(content, dict) and (inner := next((key for key in NESTED if key in content), None)):
        content = content[inner]
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f"{path}: holds no weights by name, but {_kind(content)}; {REMEDY}")
    for name, value in content.items():
        if not isinstance(name, str):
            raise CheckpointError(f"{path}: has {_kind(name)} where names of weights should be; {REMEDY}")
        if not isinstance(value, Tensor):
            raise CheckpointError(f"{path}: '{name}' is {_kind(value)} and no tensor; {REMEDY}")
    if all(name.startswith(PREFIX) for name in content):
        content = {name.removeprefix(PREFIX): tensor for name, tensor in content.items()}
    return content


def rename(state: dict[str, Tensor], patterns: Iterable[Sequence[str]], path: str | os.PathLike) -> dict[str, Tensor]:
    """The same weights under other names.

    Args:
        state: weights by name.
        patterns: regular expressions, each with what replaces it (:func:`re.sub`); one after the other, on all names.
        path: of the file, for messages.

    Raises:
        CheckpointError: a pattern is no regular expression or is found in no name, or two names become one.
    """
    names = {name: name for name in state}
    for pattern, replacement in patterns:
        try:
            renamed = {old: re.subn(pattern, replacement, name) for old, name in names.items()}
        except (re.error, IndexError) as error:  # the latter: of a group that there is not
            raise CheckpointError(f"{path}: rename ['{pattern}', '{replacement}'] is not possible: {error}") from None
        if not any(hits for _, hits in renamed.values()):
            raise CheckpointError(f"{path}: rename: '{pattern}' is found in none of {_listed(names.values())}")
        names = {old: name for old, (name, _) in renamed.items()}
    owners: dict[str, str] = {}
    for old, new in names.items():
        if owners.setdefault(new, old) != old:
            raise CheckpointError(f"{path}: rename: '{owners[new]}' and '{old}' both become '{new}'")
    return {names[old]: tensor for old, tensor in state.items()}


def fit(model: nn.Module, state: dict[str, Tensor], path: str | os.PathLike, log: Callable[[str], None]) -> None:
    """Give a model these weights.

    A gate of shape ``[1]`` fits where the model's has none, ``[]``.

    Args:
        model: takes them, if they fit.
        state: weights by the model's names.
        path: of the file, for messages.
        log: is told every name that does not fit; the message has the first ones.

    Raises:
        CheckpointError: weights are missing or left over, have another shape, or are not finite.
    """
    own = model.state_dict()
    shared = [name for name in own if name in state]
    problems = {
        "missing": [name for name in own if name not in state and not name.endswith(COUNTER)],
        "left over": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {list(state[name].shape)} for {list(own[name].shape)}"
            for name in shared
            if state[name].shape != own[name].shape and not _scalar(state[name], own[name])
        ],
        "not finite": [name for name in shared if not state[name].isfinite().all()],
    }
    for what, names in problems.items():
        for name in names:
            log(f"{what}: {name}")
    found = [f"{what}: {_listed(names)}" for what, names in problems.items() if names]
    if found:
        raise CheckpointError(f"{path}: does not fit the model, {'; '.join(found)}")
    model.load_state_dict(own | {name: state[name].reshape(own[name].shape) for name in shared})


def _scalar(theirs: Tensor, ours: Tensor) -> bool:
    return ours.ndim == 0 and list(theirs.shape) == [1]


def _safetensors(path: str | os.PathLike) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except (SafetensorError, OSError, ValueError, KeyError):
        raise CheckpointError(f"{path}: damaged, or no file of safetensors") from None


def _of_torch(path: str | os.PathLike) -> Any:
    try:
        if zipfile.is_zipfile(path):
            return load_tensors(path)
        return torch.load(path, map_location="cpu", weights_only=True)  # of torch before 1.6
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        code = re.search(r"GLOBAL (\S+)", str(error))
        what = f"holds code ({code[1]}), which is never run" if code else "damaged, or no file of torch"
        raise CheckpointError(f"{path}: {what}; {REMEDY}") from None
    except Exception:  # a damaged or foreign file makes the reader raise all kinds of errors
        raise CheckpointError(f"{path}: damaged, or no file of torch; {REMEDY}") from None


def _kind(value: Any) -> str:
    return "nothing" if value in ({}, None) else f"a value of the type {type(value).__name__}"


def _listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
