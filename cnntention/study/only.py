"""``only: [names]`` in a map of entries: the map holds these alone, whatever a config below it lists.

It is what lets an overlay start from nothing, and is a key like any other, so that it outlives every merging of files.
"""

from collections.abc import Iterator
from typing import Any

from cnntention.base.errors import ConfigError
from cnntention.base.names import suggest

SECTIONS = ("datasets", "recipes", "models", "grids", "tables", "figures", "gradcam", "instruments")


def apply(config: dict) -> Iterator[str]:
    """Take away what ``only`` does not list; a line for each name on a list that nothing has."""
    for key, entries in _maps(config):
        for name in entries["only"]:
            if isinstance(name, str) and name not in entries:
                yield f"{key}.only: unknown name {name!r}{suggest(name, [each for each in entries if each != 'only'])}"
        for name in _left_out(entries, entries["only"]):
            del entries[name]


def discard(config: dict) -> None:
    """Take the lists themselves away."""
    for _, entries in _maps(config):
        del entries["only"]


def check(file: Any, content: dict, merged: dict) -> None:
    """Check that nothing is written in vain.

    Args:
        file: the name of the file.
        content: what it holds.
        merged: the same over the files before it.

    Raises:
        ConfigError: the file has an entry that an ``only`` leaves out.
    """
    written = dict(_maps(content, every=True))
    for key, entries in _maps(merged):
        for name in _left_out(written.get(key, {}), entries["only"]):
            raise ConfigError(f"{file}: {key}.{name} is not on the list {key}.only, and so would be left out; add it")


def _left_out(entries: dict, only: list) -> list:
    return [name for name, entry in entries.items() if name != "only" and name not in only and entry is not None]


def _maps(config: dict, every: bool = False) -> list[tuple[str, dict]]:
    """The maps of entries that have a list ``only`` (or all of them), each with its key."""
    tables = config.get("tables")
    found = {section: config.get(section) for section in SECTIONS}
    for name, table in tables.items() if isinstance(tables, dict) else ():
        found[f"tables.{name}.claims"] = table.get("claims") if isinstance(table, dict) else None
    return [
        (key, entries)
        for key, entries in found.items()
        if isinstance(entries, dict) and (every or isinstance(entries.get("only"), list))
    ]
