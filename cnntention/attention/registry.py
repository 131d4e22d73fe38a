"""From an attention block's name in the config to the block.

A block's file registers its class::

    @register("cbam", reduction={"type": "integer", "minimum": 1, "default": 16, "description": "..."})
    class CBAM(nn.Module):
        def __init__(self, channels: int, reduction: int): ...

Each option is a JSON schema with a ``description``; one without a ``default`` has to be given. Besides what JSON
schemas have, it may say

- ``divides_channels: true``: it must divide the channels of every stage;
- ``later: true``: it came later than the first results, which had its default;
- ``blocks: true``: its value is a list of ``{block: NAME, options: {...}}``.

The config is checked against these schemas by reading the source, so that ``snakemake -n`` never imports torch.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cnntention.attention import outside
from cnntention.attention.entry import Entry, registrations
from cnntention.base.code_files import ROOT
from cnntention.base.errors import ConfigError
from cnntention.base.names import suggest


def register(name: str, **options: dict) -> Callable[[type], type]:
    """Class decorator: an attention block's name, and a JSON schema for each option.

    It leaves the class as it is: :func:`catalogue` reads the decorator in the source.
    """
    return lambda cls: cls


@functools.cache
def catalogue() -> dict[str, Entry]:
    """All registered blocks by name, read from the sources of this package without importing them.

    Raises:
        ConfigError: a file is not valid Python, a ``register`` call holds something other than literals, or a name is
            taken twice.
    """
    entries: dict[str, Entry] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for found in registrations(file):
            if found.name in entries:
                raise ConfigError(f"{file}: '{found.name}' is registered in {entries[found.name].module} already")
            module = f"{__package__}.{file.stem}"
            path = module.replace(".", "/") + ".py"
            entries[found.name] = Entry(module, found.class_name, found.options, path)
    return entries


def find(name: str) -> Entry:
    """The block of a name in the config.

    Raises:
        ConfigError: there is no such block.
    """
    if outside.is_outside(name):
        return outside.find(name)
    if name not in catalogue():
        raise ConfigError(f"no block registers the name '{name}'{suggest(name, catalogue())}")
    return catalogue()[name]


def used(block: str, options: dict) -> Iterator[Entry]:
    """A block, and those that its options name.

    Raises:
        ConfigError: there is no such block.
    """
    entry = find(block)
    yield entry
    for name, schema in entry.options.items():
        for part in options.get(name, ()) if schema.get("blocks") else ():
            yield from used(part["block"], part["options"])


def files(block: str, options: dict) -> tuple[str, ...]:
    """The sources that a block with these options rests on, relative to the repository's root, sorted.

    Raises:
        ConfigError: there is no such block, or a source that it imports cannot be read.
    """
    try:
        return tuple(sorted({file for entry in used(block, options) for file in entry.files}))
    except SyntaxError as error:
        raise ConfigError(f"block {block}: {error}") from None


def create(name: str, channels: int, **options: Any) -> Any:
    """Build the attention block ``name`` for feature maps of ``channels`` channels.

    Raises:
        ConfigError: there is no such block.
    """
    entry = find(name)
    return getattr(_imported(entry), entry.class_name)(channels, **options)


def _imported(entry: Entry) -> Any:
    """The module of a block, imported as Python imports what stands beside a script."""
    if entry.package and str(entry.package.root) not in sys.path:
        sys.path.insert(0, str(entry.package.root))
    module = importlib.import_module(entry.module)
    if entry.package and not Path(module.__file__ or "").samefile(ROOT / entry.file):
        raise ConfigError(f"{entry.file}: Python takes '{entry.module}' from {module.__file__}; rename the file")
    return module
