"""JSON schemas: filling in defaults, and a line in plain words for each violation."""

import copy
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema
import yaml

from cnntention.base.names import suggest

LONGEST = 100
"""Characters of a value that a message shows."""


def _fill_defaults(
    validator: Any, properties: dict, instance: Any, schema: dict
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if isinstance(subschema, dict) and "default" in subschema:
                instance.setdefault(key, copy.deepcopy(subschema["default"]))
    yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)


def _is_number(_: object, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    validators={"properties": _fill_defaults},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        # JSON takes 3.0 for an integer and YAML takes .inf and .nan for numbers: neither is allowed here, nor a whole
        # number that no float can hold
        {"integer": lambda _, value: isinstance(value, int) and _is_number(_, value), "number": _is_number}
    ),
)


def problems(schema: dict, instance: Any, prefix: str = "") -> list[str]:
    """Violations of a schema, a line each that names the key; defaults are filled into the instance.

    Args:
        schema: JSON schema, draft 2020-12.
        instance: plain dicts and lists; changed in place.
        prefix: the key of the instance itself.
    """
    errors = sorted(_Validator(schema).iter_errors(instance), key=lambda error: [str(part) for part in error.path])
    return list(dict.fromkeys(_describe(error, prefix) for error in errors))


def unknown_keys(schema: dict, instance: Any, prefix: str = "") -> list[str]:
    """Keys that a schema does not know, a line each, whatever stands there; the instance stays as it is."""
    errors = _Validator(schema).iter_errors(copy.deepcopy(instance))
    return [_describe(error, prefix) for error in errors if error.validator == "additionalProperties"]


def _key(path: Iterable[str | int], prefix: str) -> str:
    text = prefix
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_part(part)}"
    return text.lstrip(".")


def _part(key: Any) -> str:
    """A key as it is, or quoted where it would break up the line or the path."""
    return str(key) if re.fullmatch(r"[\w.-]+", str(key)) else _quoted(key)


def _quoted(name: Any) -> str:
    return _shown(str(name))


def _shown(value: Any) -> str:
    """A value on one line, cut off where it gets long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


_KINDS = {
    "object": "a map",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a finite number",
    "boolean": "true or false",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "minLength": "at least",
    "maxLength": "at most",
}


def _describe(error: jsonschema.ValidationError, prefix: str) -> str:
    """One line for a schema violation: the key, what is wrong, what is possible."""
    key = _key(error.absolute_path, prefix) or "top level"
    value, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties" if isinstance(rule, bool):
            properties = error.schema.get("properties", {})
            unknown = [name for name in value if name not in properties]
            known = [name for name, schema in properties.items() if "not" not in schema]
            return f"{key}: unknown key {', '.join(map(_quoted, unknown))}{suggest(unknown[0], known)}"
        case "required":
            return f"{key}: {', '.join(_quoted(name) for name in rule if name not in value)} missing"
        case "enum":
            return f"{key}: {_shown(value)} is not possible; use one of {', '.join(map(_yaml, rule))}"
        case "type":
            kinds = rule if isinstance(rule, list) else [rule]
            wanted = " or ".join(_KINDS[kind] for kind in kinds)
            return f"{key}: {wanted} is expected, not {_shown(value)}{_yaml_hint(value, error.schema)}"
        case "pattern":
            allowed = error.schema.get("message", f"must match {rule}")
            return f"{key}: {_shown(value)} is not possible; {allowed}"
        case "uniqueItems":
            return f"{key}: an entry is here twice"
        case "minItems" | "minProperties":
            return f"{key}: at least {rule} needed, here {len(value)}"
        case "minLength" | "maxLength":
            return f"{key}: {_BOUNDS[error.validator]} {rule} characters needed, here {len(value)}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return f"{key}: {_BOUNDS[error.validator]} {rule} is needed, not {_shown(value)}"
        case "not":
            return f"{key}: {error.schema['message']}"
    return f"{key}: {' '.join(error.message.split())}"


def _yaml_hint(value: Any, schema: dict) -> str:
    """What to write where a number has become a text, if that number is possible there."""
    if not isinstance(value, str):
        return ""
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if _Validator(schema).is_valid(number):
            dotless = re.search("^[^.]*e", value, flags=re.IGNORECASE)
            why = "a number with an exponent needs a point" if dotless else "no quotes"
            return f": to YAML this is text; write {_yaml(number)} ({why})"
    return ""


def _yaml(value: Any) -> str:
    """A value as it is written in YAML."""
    return yaml.safe_dump(value).splitlines()[0]
