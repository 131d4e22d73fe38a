"""Numbers and lists in words, for logs, tables and pages alike."""

import math
from collections.abc import Sequence

NONE = "–"
"""Where there is no number."""


def duration(seconds: float) -> str:
    """In the unit that suits it, such as ``40 s``, ``3 min`` or ``2.1 h``; a dash for NaN."""
    if math.isnan(seconds):
        return NONE
    if round(seconds) < 120:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{seconds / 3600:.1f} h"


def listed(texts: Sequence[str]) -> str:
    """Commas, and a last "and"; of one text, itself."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
