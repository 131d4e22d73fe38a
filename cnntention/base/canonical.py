"""One text for a spec, whatever the order of its keys."""

import hashlib
import json


def canonical(spec: dict) -> str:
    """JSON of a spec that does not depend on the order of keys in the YAML."""
    return json.dumps(spec, sort_keys=True, ensure_ascii=False)


def digest(spec: dict) -> str:
    """Sixteen hexadecimal digits that stand for a spec."""
    return hashlib.sha256(canonical(spec).encode()).hexdigest()[:16]
