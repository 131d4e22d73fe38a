"""Reading and checking the config. Never imports torch, since every ``snakemake`` call runs it."""

import copy
from pathlib import Path
from typing import Any

import yaml

from cnntention.base.errors import ConfigError
from cnntention.data import source
from cnntention.study.checks import cross_checks
from cnntention.study.schema import problems, unknown_keys

SCHEMA = Path(__file__).with_name("config.schema.yaml")


def load(*files: str | Path) -> dict:
    """Read YAML files and merge them left to right, as Snakemake does: maps by key, lists and scalars replaced.

    Raises:
        ConfigError: a file is missing, is not YAML, or is not a map.
    """
    merged: dict = {}
    for file in files:
        try:
            content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}") from None
        except Exception as error:  # whatever odd texts make of YAML's readers of dates and numbers, too
            raise ConfigError(f"{file}: not valid YAML: {error}") from None
        if not isinstance(content, dict):
            raise ConfigError(f"{file}: a map of keys is expected, as in config.yaml")
        _merge(merged, content)
    return merged


def _merge(base: dict, update: dict) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)


def schema() -> dict:
    """The JSON schema of a config, with the sources of images and their own keys filled in."""
    content = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    catalogue = source.catalogue()
    dataset, mirrors = content["$defs"]["dataset"], content["properties"]["machine"]["properties"]["mirrors"]
    dataset["properties"]["source"] = {"enum": list(catalogue)}
    for cls in catalogue.values():
        dataset["properties"] |= source.keys(cls)
    mirrors["properties"] = {name: {"$ref": "#/$defs/addresses"} for name, cls in catalogue.items() if cls.mirrored}
    return content


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
        found = problems(whole, completed)
        # a mistyped key is one that takes nothing away, even if null stands there
        found = found or unknown_keys(whole, config) or list(cross_checks(completed, config))
    except RecursionError:
        found = ["top level: nested too deeply, or an alias (*) stands within its own anchor (&)"]
    if found:
        raise ConfigError("the config is not valid:\n" + "\n".join(f"  {problem}" for problem in found))
    return completed


def _plain(value: Any) -> Any:
    """A deep copy in plain dicts and lists, since Snakemake hands over ordered dicts, without entries that are null.

    Wherever the schema allows null, null is the default too.
    """
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
