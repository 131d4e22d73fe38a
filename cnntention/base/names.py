"""Names that users choose, and what a message says about an unknown one."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any


def suggest(name: Any, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: what was probably meant, or what there is."""
    close = difflib.get_close_matches(str(name), [str(entry) for entry in known], n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; there are: {', '.join(sorted(map(str, known)))}" if known else ""


def unknown(key: str, names: str | Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """A line for each unknown name among those at a key of the config."""
    for name in [names] if isinstance(names, str) else names:
        if name not in known:
            yield f"{key}: unknown name '{name}'{suggest(name, known)}"
