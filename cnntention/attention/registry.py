"""From an attention block's name in the config to the block.

A block's file registers its class::

    @register("cbam", reduction={"type": "integer", "minimum": 1, "default": 16, "description": "..."})
    class CBAM(nn.Module):
        def __init__(self, channels: int, reduction: int): ...

Each option is a JSON schema with a ``description``; one with ``divides_channels: true`` must divide the channels of
every stage. The config is checked against these schemas by reading the source, so that ``snakemake -n`` never imports
torch.
"""

import ast
import dataclasses
import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnntention.base.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Entry:
    """A registered block: its module and class, and the JSON schema of each option."""

    module: str
    class_name: str
    options: dict[str, dict]

    @property
    def file(self) -> str:
        """The block's source file, relative to the repository's root."""
        return self.module.replace(".", "/") + ".py"


def register(name: str, **options: dict) -> Callable[[type], type]:
    """Class decorator: an attention block's name, and a JSON schema for each option.

    It leaves the class as it is: :func:`catalogue` reads the decorator in the source.
    """
    return lambda cls: cls


def _called(call: ast.Call) -> str | None:
    """``register``, of ``register(...)`` as well as of ``registry.register(...)``."""
    return getattr(call.func, "attr", getattr(call.func, "id", None))


def _option(keyword: ast.keyword) -> tuple[str, dict]:
    if keyword.arg is None:
        raise ValueError("** names no option")
    return keyword.arg, ast.literal_eval(keyword.value)


@functools.cache
def catalogue() -> dict[str, Entry]:
    """All registered blocks by name, read from the sources of this package without importing them.

    Raises:
        ConfigError: a file is not valid Python, a ``register`` call holds something other than literals, or a name is
            taken twice.
    """
    entries: dict[str, Entry] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except SyntaxError as error:
            raise ConfigError(f"{file}: line {error.lineno}: {error.msg}") from None
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and _called(call) == "register":
                    try:
                        name = ast.literal_eval(call.args[0])
                        options = dict(map(_option, call.keywords))
                    except (ValueError, IndexError):
                        raise ConfigError(f"{file}: register() takes literals only") from None
                    if name in entries:
                        raise ConfigError(f"{file}: '{name}' is registered in {entries[name].module} already")
                    entries[name] = Entry(f"{__package__}.{file.stem}", node.name, options)
    return entries


def create(name: str, channels: int, **options: Any) -> Any:
    """Build the attention block ``name`` for feature maps of ``channels`` channels.

    Raises:
        KeyError: no block registers that name.
    """
    entry = catalogue()[name]
    return getattr(importlib.import_module(entry.module), entry.class_name)(channels, **options)
