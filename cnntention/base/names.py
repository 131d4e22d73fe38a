"""Names that users choose, and what a message says of one that nothing has."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any


def suggest(name: Any, known: Iterable[str]) -> str:
    """The end of a message on an unknown name: what was meant, or what is possible."""
    close = difflib.get_close_matches(str(name), [str(entry) for entry in known], n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; possible are {', '.join(sorted(map(str, known)))}" if known else ""


def unknown(key: str, names: str | Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """A line for each of the names, which stand at a key of the config, that is not known."""
    for name in [names] if isinstance(names, str) else names:
        if name not in known:
            yield f"{key}: unknown name '{name}'{suggest(name, known)}"
