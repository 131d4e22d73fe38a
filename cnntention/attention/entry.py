"""What is known of an attention block without importing its file."""

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from cnntention.base.code_files import Package, closure
from cnntention.base.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Entry:
    """A registered block.

    Attributes:
        module: its dotted name.
        class_name: of the block in the module.
        options: the JSON schema of each.
        file: the module's source, relative to the repository's root.
        package: where the module and its imports are found, for a block from outside of this package.
    """

    module: str
    class_name: str
    options: dict[str, dict]
    file: str
    package: Package | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The sources that the block rests on, relative to the repository's root.

        Raises:
            SyntaxError: a file is not valid Python, or its imports cannot be followed.
        """
        return closure(self.file, other=self.package)

    @property
    def schema(self) -> dict:
        """The JSON schema of all options together: one without a default has to be given."""
        required = [name for name, schema in self.options.items() if "default" not in schema]
        return {"type": "object", "additionalProperties": False, "properties": self.options, "required": required}

    def spared(self, options: dict) -> dict:
        """Options as specs hold them: those that came later than the first results only where they differ from the
        default, so that older results keep their digest."""
        return {
            name: value
            for name, value in options.items()
            if not (self.options[name].get("later") and value == self.options[name]["default"])
        }


@dataclasses.dataclass(frozen=True)
class Registration:
    """A ``register(...)`` in a source: the name, the class below it, and the JSON schema of each option."""

    name: str
    class_name: str
    options: dict[str, dict]


def registrations(file: Path) -> Iterator[Registration]:
    """The blocks that a file registers.

    Raises:
        ConfigError: it is not valid Python, or a ``register`` call holds something other than literals.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ConfigError(f"{file}: line {error.lineno}: {error.msg}") from None
    except ValueError:
        raise ConfigError(f"{file}: not a Python source in UTF-8") from None
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
                yield Registration(name, node.name, options)


def _called(call: ast.Call) -> str | None:
    """``register``, of ``register(...)`` as well as of ``registry.register(...)``."""
    return getattr(call.func, "attr", getattr(call.func, "id", None))


def _option(keyword: ast.keyword) -> tuple[str, dict]:
    schema = ast.literal_eval(keyword.value)
    if keyword.arg is None or not isinstance(schema, dict):
        raise ValueError("an option is NAME={...}, a JSON schema")
    return keyword.arg, schema
