"""Specs: all that a step depends on in the config, and nothing else, as frozen dataclasses.

Only here are specs read from JSON and written as JSON. A field with a default is one that came later than
the first results: it is left out of the JSON where it has that value, so that older results keep their digest.
"""

import dataclasses
import hashlib
import json
from typing import Any, TypeVar

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

Spec = TypeVar("Spec")

_converter = cattrs.Converter(detailed_validation=False, unstruct_collection_overrides={tuple: list})
_converter.register_structure_hook_factory(
    dataclasses.is_dataclass, lambda cls: make_dict_structure_fn(cls, _converter, _cattrs_forbid_extra_keys=True)
)
_converter.register_unstructure_hook_factory(
    dataclasses.is_dataclass, lambda cls: make_dict_unstructure_fn(cls, _converter, _cattrs_omit_if_default=True)
)


def _exactly(kind: type, *others: type) -> None:
    """Accept values of that type only, where cattrs by itself would convert others."""

    def structure(value: Any, _: object) -> Any:
        if type(value) not in (kind, *others):
            raise TypeError(f"{kind.__name__} expected, not {value!r}")
        return kind(value)

    _converter.register_structure_hook(kind, structure)


_exactly(str)
_exactly(bool)
_exactly(int)
_exactly(float, int)


def read(cls: type[Spec], content: Any) -> Spec:
    """A spec from JSON text, or from plain dicts and lists.

    Raises:
        ValueError: a key is missing, unknown, or of the wrong type.
    """
    try:
        return _converter.structure(json.loads(content) if isinstance(content, str) else content, cls)
    except (KeyError, TypeError, AttributeError, cattrs.errors.StructureHandlerNotFoundError) as error:
        raise ValueError(f"not a {cls.__name__}: {error!r}") from None
    except cattrs.errors.ForbiddenExtraKeysError as error:
        raise ValueError(f"not a {cls.__name__}: {error}") from None


def plain(spec: Any) -> Any:
    """A spec in plain dicts and lists, for JSON."""
    return _converter.unstructure(spec)


def canonical(spec: Any) -> str:
    """JSON of a spec, the same whatever the order of keys in the YAML."""
    return json.dumps(plain(spec), sort_keys=True, ensure_ascii=False)


def digest(spec: Any) -> str:
    """Sixteen hexadecimal digits that stand for a spec."""
    return hashlib.sha256(canonical(spec).encode()).hexdigest()[:16]
