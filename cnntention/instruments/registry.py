"""Which instruments there are, and what a stanza of each may hold: read from their files without importing them.

An instrument is a file of this folder with

- ``ABOUT``: what its numbers mean, one or two sentences for the table and the report;
- ``NEEDS``: what the network has to have: ``""`` nothing, ``"attention"``, or a method of the attention block, such as
  ``"weights"``;
- ``LEAST_IMAGES``, where one image is too few: how many it has to look at;
- ``OPTIONS``: the JSON schema of each option, with a ``description`` and a ``default``: the keys of its own in the
  stanza and the keyword arguments of ``measure``; one that is called ``path`` is a folder of the user's, whose arrays
  (``.npy``) are input of the measurement, one that is called ``stage`` is a stage with attention;
- ``measure(subject, **options)``, see :mod:`cnntention.instruments.contract`.

All but the last are literals, so that ``snakemake -n`` never imports torch.
"""

import ast
import dataclasses
import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cnntention.attention.registry import used
from cnntention.base import stanza
from cnntention.base.code_files import ROOT
from cnntention.base.errors import ConfigError

if TYPE_CHECKING:
    from cnntention.instruments.contract import Instrument


OF_TORCH = ("Module", "Sequential")
"""Bases of blocks that have none of the methods that an instrument may need."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """An instrument: the values of ``ABOUT``, ``NEEDS``, ``OPTIONS`` and ``LEAST_IMAGES`` in its file."""

    name: str
    about: str
    needs: str
    options: dict[str, dict]
    least_images: int = 1

    @property
    def file(self) -> str:
        """Relative to the repository's root."""
        return f"cnntention/instruments/{self.name}.py"

    def load(self) -> "Instrument":
        """The module, imported."""
        return importlib.import_module(f"{__package__}.{self.name}")


@functools.cache
def catalogue() -> dict[str, Entry]:
    """All instruments by name.

    Raises:
        ConfigError: a file is not valid Python, or one of the three names is missing or no literal.
    """
    entries = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except SyntaxError as error:
            raise ConfigError(f"{file}: line {error.lineno}: {error.msg}") from None
        values = dict(_assigned(tree))
        if "ABOUT" not in values:
            continue  # of the room, and no instrument
        try:
            about, needs, options = (ast.literal_eval(values[name]) for name in ("ABOUT", "NEEDS", "OPTIONS"))
            least = ast.literal_eval(values["LEAST_IMAGES"]) if "LEAST_IMAGES" in values else 1
        except KeyError as error:
            raise ConfigError(f"{file}: an instrument needs {error.args[0]}") from None
        except ValueError:
            raise ConfigError(f"{file}: what says of it is read without running it; use literals") from None
        entries[file.stem] = Entry(file.stem, about, needs, options, least)
    return entries


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def schema(common: dict[str, dict]) -> dict:
    """The JSON schema of a stanza; ``common``: of the keys that every instrument has."""
    kinds = {name: stanza.Keys(entry.options) for name, entry in catalogue().items()}
    return stanza.schema(kinds, common, "the instrument, a file in cnntention/instruments/")


def lacks(kind: str, attention: dict | None) -> str:
    """What an instrument needs and a model has not, in words; empty: it has all, or its block is not known.

    Args:
        kind: of the instrument.
        attention: of the model in the config; None: it has none.
    """
    needs = catalogue()[kind].needs
    if not needs:
        return ""
    if attention is None:
        return "no attention"
    try:
        entries = list(used(attention["block"], attention["options"]))
    except ConfigError:
        return ""  # reported with the model
    if needs == "weights" and attention["options"].get("axis") == "channel":
        return "attention over channels, which gives positions no weights"
    methods = [_methods(entry.class_name, entry.files) for entry in entries]
    if needs == "attention" or any(known is None or needs in known for known in methods):
        return ""
    return f"an attention block without {needs}"


@functools.cache
def _methods(class_name: str, files: tuple[str, ...]) -> frozenset[str] | None:
    """Names of the methods of a class in one of these sources, those that it inherits included; None: not known."""
    classes = {
        node.name: node
        for file in files
        if file.endswith(".py")
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    found: set[str] = set()
    waiting = [class_name]
    while waiting:
        node = classes.get(waiting.pop())
        if node is None:
            return None
        found.update(each.name for each in node.body if isinstance(each, ast.FunctionDef))
        waiting.extend(name for base in node.bases if (name := _base(base)) not in OF_TORCH)
    return frozenset(found)


def _base(node: ast.expr) -> str:
    """The name of a class that another one is made from, without that of its module; empty: it has none."""
    return getattr(node, "attr", getattr(node, "id", ""))
