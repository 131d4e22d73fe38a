"""Reading YAML strictly: what a person sees in the file is what the study gets."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from cnntention.base.errors import ConfigError

PLAIN_NUMBER = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "tag:yaml.org,2002:float": re.compile(r"[^_:]*"),
}
"""How a number has to look; YAML reads octal, hexadecimal, binary, 1_000 and 1:30 (as 90) besides."""


def read(file: str | Path) -> dict:
    """The map in a YAML file.

    Raises:
        ConfigError: there is no such file, it is not YAML or no map; a key stands twice in a map, of which YAML takes
            the last; or a number is written so that YAML takes it for another one (010 for 8).
    """
    try:
        loader = yaml.SafeLoader(Path(file).read_bytes())
        node = loader.get_single_node()
        trap = next(_traps(node, set()), None) if node else None
        content = loader.construct_document(node) if node and not trap else None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except Exception as error:  # odd texts make YAML's readers of dates and numbers raise other errors, too
        raise ConfigError(f"{file}: not valid YAML: {error}") from None
    if trap:
        raise ConfigError(f"{file}, {trap}")
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: a map of keys is expected, as in config.yaml")
    return content


def _traps(node: yaml.Node, seen: set[int]) -> Iterator[str]:
    """What stands below a node and is read otherwise than it looks, a sentence each."""
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        plain = PLAIN_NUMBER.get(node.tag)
        if node.style is None and plain and not plain.fullmatch(node.value):
            number = yaml.SafeLoader("").construct_object(node)
            yield (
                f"line {_line(node)}: YAML reads {node.value} as {number}; write {number} if that is meant, "
                f"and otherwise the number in plain decimals, or a text in quotes"
            )
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in lines:
                    yield f"line {_line(key)}: '{key.value}' stands here twice, before in line {lines[key.value]}"
                lines[key.value] = _line(key)
            yield from _traps(key, seen)
            yield from _traps(value, seen)
    else:
        for entry in node.value:
            yield from _traps(entry, seen)


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
