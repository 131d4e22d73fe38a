"""The reference in docs/configuration.md: every key of the config, from its schema and from nothing else."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import yaml

from cnntention.attention.registry import catalogue
from cnntention.data import source
from cnntention.study.config import schema
from docs.blocks import fill

BLOCK = "configuration"
NUMBERS = {"integer": "whole number", "number": "number"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


@dataclasses.dataclass(frozen=True)
class Row:
    """A key of the config.

    Attributes:
        key: its path; ``*`` stands for a name that the config gives.
        possible: what may stand there.
        default: what stands there where it is left out; or ``required``; or nothing.
        meaning: its description.
        owners: the kinds, blocks or sources that have it; nothing where all have it.
    """

    key: str
    possible: str
    default: str
    meaning: str
    owners: str = ""


def rows() -> list[Row]:
    """Every key that a config may hold, in the order of the schema; what sources and blocks have comes last."""
    whole = schema()
    of_sources = {
        name: list(_of_map({"properties": source.keys(cls), "required": source.required(cls)}, whole, "datasets.*."))
        for name, cls in source.catalogue().items()
    }
    of_blocks = {
        name: list(_of_map({"properties": block.options}, whole, "models.*.attention.options."))
        for name, block in catalogue().items()
    }
    owned = [*_together("source", of_sources), *_together("block", of_blocks)]
    keys = {row.key for row in owned}
    found = [row for row in _of_map(whole, whole, "") if row.key not in keys] + owned
    return sorted(found, key=lambda row: list(whole["properties"]).index(_section(row)))


def _section(row: Row) -> str:
    return row.key.partition(".")[0]


def _of_map(node: dict, whole: dict, prefix: str) -> Iterator[Row]:
    """The rows of a map's keys, each followed by those of the map that stands there."""
    required = node.get("required", ())
    for key, given in node.get("properties", {}).items():
        value = _resolved(given, whole)
        if "not" in value or not value:  # refused, or the key that chooses a kind, which is no kind's own
            continue
        default = _yaml(given["default"]) if "default" in given else "required" if key in required else ""
        yield Row(prefix + key, _possible(value, whole), default, value.get("description", ""))
        yield from _of_map(value, whole, f"{prefix}{key}.")
    kinds = {
        branch["if"]["properties"]["kind"]["const"]: list(_of_map(branch["then"], whole, prefix))
        for branch in node.get("allOf", ())
        if "kind" in branch["if"].get("properties", ())
    }
    yield from _together("kind", kinds)
    if isinstance(node.get("additionalProperties"), dict):
        yield from _of_map(_resolved(node["additionalProperties"], whole), whole, f"{prefix}*.")


def _together(what: str, of_each: dict[str, list[Row]]) -> list[Row]:
    """The rows of several owners, equal ones once."""
    owners: dict[Row, list[str]] = {}
    for name, of_one in of_each.items():
        for row in of_one:
            owners.setdefault(row, []).append(name)
    return [
        row if len(names) == len(of_each) else dataclasses.replace(row, owners=f"{what}: {', '.join(names)}")
        for row, names in owners.items()
    ]


def _resolved(node: dict, whole: dict) -> dict:
    """A schema with all that it refers to; its own words go first, and ``title`` is what it refers to."""
    if "$ref" not in node:
        return node
    target = whole
    *_, name = path = node["$ref"].removeprefix("#/").split("/")
    for part in path:
        target = target[part]
    return {"title": name} | _resolved(target, whole) | node


def _possible(value: dict, whole: dict) -> str:
    """What may stand at a key, in words."""
    if "enum" in value:
        return ", ".join(f"`{_yaml(each)}`" for each in value["enum"])
    kinds = value["type"] if isinstance(value["type"], list) else [value["type"]]
    return " or ".join(_of_kind(kind, value, whole) for kind in kinds)


def _of_kind(kind: str, value: dict, whole: dict) -> str:
    match kind:
        case "integer" | "number":
            bounds = ", ".join(f"{sign} {value[key]:,}" for key, sign in BOUNDS.items() if key in value)
            return f"{NUMBERS[kind]} {bounds}".strip()
        case "boolean":
            return "`true`, `false`"
        case "string":
            return value.get("title", "text")
        case "array":
            items = _resolved(value["items"], whole)
            count = f" of {value['maxItems']}" if "maxItems" in value else ""
            return f"list{count}: {'any of ' if 'enum' in items else ''}{_possible(items, whole)}"
        case "object":
            return "map"
    return f"`{kind}`"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).splitlines()[0]


def reference() -> str:
    """What a name, a path and the like are, and a table for each section of the config."""
    texts = {name: of for name, of in schema()["$defs"].items() if of.get("type") == "string"}
    lines = [f"- *{name}*: {_escaped(of['message'])}" for name, of in texts.items()]
    sections: dict[str, list[Row]] = {}
    for row in rows():
        sections.setdefault(row.key.partition(".")[0], []).append(row)
    alone = [row for section in sections.values() for row in section if len(section) == 1]
    lines += _table(alone)
    for name, (head, *below) in sections.items():
        if below:
            lines += ["", f"### {name}", "", f"{head.meaning[0].upper()}{head.meaning[1:]}.", *_table(below)]
    return "\n".join(lines) + "\n"


def _table(shown: list[Row]) -> list[str]:
    head = ["", "| key | what may stand there | default | meaning |", "|---|---|---|---|"]
    return head + [f"| `{row.key}` | {row.possible} | {_default(row)} | {_meaning(row)} |" for row in shown]


def _default(row: Row) -> str:
    return row.default if row.default in ("", "required") else f"`{row.default}`"


def _meaning(row: Row) -> str:
    return _escaped(row.meaning) + (f" ({row.owners})" if row.owners else "")


def _escaped(text: str) -> str:
    """Without what Markdown takes for the end of a cell, or for code or emphasis."""
    return re.sub(r"([\\`*|])", r"\\\1", text)


if __name__ == "__main__":
    fill(BLOCK, reference())
