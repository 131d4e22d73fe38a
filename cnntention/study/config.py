"""From YAML files to one checked config. Never imports torch, since every ``snakemake`` call runs it."""

import copy
import functools
import os
from pathlib import Path
from typing import Any

import yaml

from cnntention.base.code_files import ROOT
from cnntention.base.errors import ConfigError
from cnntention.data import source
from cnntention.instruments import registry
from cnntention.reporting import figures, tables
from cnntention.reporting.instruments import spec as instruments
from cnntention.study import grids, only
from cnntention.study.blocks import located
from cnntention.study.checks import cross_checks
from cnntention.study.reading import read
from cnntention.study.schema import problems, unknown_keys

SCHEMA = Path(__file__).with_name("config.schema.yaml")


def base_config() -> str:
    """The config that overlays go over: that of the working directory, or else the repository's own.

    Raises:
        ConfigError: there is neither.
    """
    for file in (Path("config.yaml"), Path(os.path.relpath(ROOT / "config.yaml"))):
        if file.is_file():
            return str(file)
    raise ConfigError(
        f"config.yaml: No such file in {Path.cwd()}; run this in the repository, or beside a copy of its config"
    )


def load(*files: str | Path) -> dict:
    """Read YAML files and merge them left to right, as Snakemake does: maps by key, lists and scalars replaced.

    Raises:
        ConfigError: a file is missing or cannot be read as meant, see :func:`cnntention.study.reading.read`; or it has
            an entry that ``only`` in it or in a file before leaves out.
    """
    merged: dict = {}
    for file in files:
        content = read(file)
        _merge(merged, content)
        only.check(file, content, merged)
    return located(merged, files)


def _merge(base: dict, update: dict) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)


def schema() -> dict:
    """The JSON schema of a config, with the keys of sources of images, of kinds of tables and figures, and of
    instruments filled in.
    """
    content = copy.deepcopy(_own_schema())
    catalogue = source.catalogue()
    dataset, mirrors = content["$defs"]["dataset"], content["properties"]["machine"]["properties"]["mirrors"]
    dataset["properties"]["source"]["enum"] = list(catalogue)
    for cls in catalogue.values():
        dataset["properties"] |= source.keys(cls)
    tried = {"$ref": "#/$defs/addresses", "description": "tried in this order, before the official ones"}
    mirrors["properties"] = {name: tried for name, cls in catalogue.items() if cls.mirrored}
    content["$defs"] |= {"table": tables.KINDS.schema(), "figure": figures.KINDS.schema()}
    content["$defs"]["instrument"] = registry.schema(instruments.COMMON)
    return content


@functools.cache
def _own_schema() -> dict:
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def complete(config: dict) -> dict:
    """Check a config and return it with the defaults of the schema filled in and entries set to null left out.

    Args:
        config: as read from YAML; it is not changed.

    Raises:
        ConfigError: with one line for each problem, which names the key.
    """
    whole = schema()
    try:
        completed = _plain(config)
        found = list(only.apply(completed)) or problems(whole, completed)
        only.discard(completed)
        # a mistyped key takes nothing away, even if its value is null
        found = found or unknown_keys(whole, config) or list(grids.expand(completed))
        found = found or _of_grids(whole, completed) or list(cross_checks(completed, _with_grids(config, completed)))
    except RecursionError:
        found = ["top level: nested too deeply, or an alias (*) stands within its own anchor (&)"]
    if found:
        raise ConfigError("the config is not valid:\n" + "\n".join(f"  {problem}" for problem in found))
    return completed


def _of_grids(whole: dict, completed: dict) -> list[str]:
    """What is wrong with the models and recipes that grids have made, as with the user's own."""
    made = {section: completed[section] for section in ("models", "recipes")}
    return problems({"$defs": whole["$defs"], "properties": {name: whole["properties"][name] for name in made}}, made)


def _with_grids(given: dict, completed: dict) -> dict:
    """The config as it was given, and the models that grids have made of it."""
    return given | {"models": completed["models"] | given["models"]}


def _plain(value: Any) -> Any:
    """A deep copy in plain dicts and lists, since Snakemake hands over ordered dicts, without entries that are null.

    Wherever the schema allows null, null is the default too.
    """
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
