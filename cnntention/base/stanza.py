"""The JSON schema of a stanza whose ``kind`` decides which keys it has."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Keys:
    """What a stanza of one kind may hold.

    Attributes:
        schemas: a JSON schema of each key of the kind's own.
        required: which of them have to be there.
    """

    schemas: dict[str, dict]
    required: tuple[str, ...] = ()


def schema(
    kinds: dict[str, Keys], common: dict[str, dict], description: str, default: str | None = None
) -> dict[str, object]:
    """The schema of a stanza. Before its kind is known nothing more is said of it.

    Args:
        kinds: by name.
        common: JSON schemas of keys that every stanza has to have, whatever its kind; those with a default may be left
            out.
        description: of the key ``kind``.
        default: the kind of a stanza that names none.
    """
    kind: dict = {"enum": list(kinds), "description": description} | ({"default": default} if default else {})
    branches = [
        {"if": {"required": ["kind"], "properties": {"kind": {"const": name}}}, "then": _of_kind(name, kinds, common)}
        for name in kinds
    ]
    return {"type": "object", "properties": {"kind": kind}, "required": ["kind"], "allOf": branches}


def _of_kind(name: str, kinds: dict[str, Keys], common: dict[str, dict]) -> dict:
    own = {"kind": {}} | common | kinds[name].schemas
    of_others = {key for other in kinds.values() for key in other.schemas if key not in own}
    refused = {"not": {}, "message": f"not possible with kind: {name}"}
    required = [key for key, of_key in common.items() if "default" not in of_key]
    return {
        "required": [*required, *kinds[name].required],
        "additionalProperties": False,
        "properties": own | dict.fromkeys(sorted(of_others), refused),
    }
