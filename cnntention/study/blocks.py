"""Attention blocks in a config: that there is such a block, and that its options fit it."""

import copy
import importlib.util
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cnntention.attention import registry
from cnntention.attention.outside import is_outside
from cnntention.base.errors import ConfigError
from cnntention.study.schema import problems, unknown_keys


def block_problems(key: str, attention: dict, given: dict, widths: Iterable[int]) -> Iterator[str]:
    """What is wrong with a block and its options, a line for each problem. Options come out as specs hold them.

    Args:
        key: of the map that holds both.
        attention: ``block`` and ``options``, in which defaults are filled in.
        given: with entries that are null.
        widths: channels of the feature maps that it is for.
    """
    try:
        entry = registry.find(attention["block"])
        _ = entry.files
    except (ConfigError, SyntaxError) as error:
        yield f"{key}.block: {error}"
        return
    if attention["block"].startswith("timm/") and importlib.util.find_spec("timm") is None:
        yield f"{key}.block: {attention['block']} needs timm, which is not installed here: pip install '.[timm]'"
        return
    place = f"{key}.options"
    options = attention["options"]
    # null takes away what another block's stanza has set, but excuses no mistyped key
    of_all: dict[str, dict] = {name: {} for block in (entry, *registry.catalogue().values()) for name in block.options}
    unfit = problems(entry.schema, options, place)
    unfit = unfit or unknown_keys(entry.schema | {"properties": of_all}, given.get("options") or {}, place)
    if unfit:
        yield from unfit
        return
    for name, value in options.items():
        uneven = [channels for channels in widths if entry.options[name].get("divides_channels") and channels % value]
        if uneven:
            yield f"{place}.{name}: {value} does not divide the {uneven[0]} channels of a stage"
        for index, part in enumerate(value) if entry.options[name].get("blocks") else ():
            yield from block_problems(f"{place}.{name}[{index}]", part, part, widths)
    attention["options"] = entry.spared(options)


def located(config: dict, files: Iterable[str | Path]) -> dict:
    """A config whose blocks in files beside its YAML files are named by paths from the working directory.

    Args:
        config: as read from YAML; it is not changed.
        files: the YAML files, the last of which counts most.
    """
    folders = list(dict.fromkeys(Path(file).parent for file in reversed(list(files))))
    config = copy.deepcopy(config)
    models = config.get("models")
    for model in models.values() if isinstance(models, dict) else ():
        for node in _maps(model.get("attention")) if isinstance(model, dict) else ():
            if isinstance(node.get("block"), str):
                node["block"] = _located(node["block"], folders)
    return config


def _maps(node: Any) -> Iterator[dict]:
    """All maps in a value."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _maps(child)


def _located(block: str, folders: Iterable[Path]) -> str:
    path, _, class_name = block.rpartition(":")
    if not is_outside(block) or not path.endswith(".py") or Path(path).exists():
        return block
    for folder in folders:
        if (folder / path).is_file():
            # Not as the folder is named: Snakemake makes the paths of overlays absolute, and a run has one spec.
            return f"{os.path.relpath(folder / path)}:{class_name}"
    return block
