"""What the end of a pipeline run says on the terminal: the results, or what went wrong."""

import re
from pathlib import Path

from cnntention import layout
from cnntention.study import Study


def summary(study: Study) -> str:
    """The result tables that are there, and where to look for the rest."""
    paths = (study.path(layout.TABLE, table=name) + ".md" for name in study.config["tables"])
    tables = [Path(path).read_text(encoding="utf-8") for path in paths if Path(path).is_file()]
    places = {
        "overview": "overview.html",
        "tables": "tables/",
        "curves": "figures/",
        "Grad-CAM grids": "gradcam/",
        "logs": "logs/",
    }
    look = [
        f"  {name + ':':<16}{study.results}/{place}"
        for name, place in places.items()
        if Path(study.results, place).exists()
    ]
    return "\n".join(["", *tables, "Where to look:", *look])


def failures(study: Study, since: float) -> str:
    """One message for each step that failed, from its log.

    Args:
        study: whose results folder is looked at.
        since: Unix time in seconds; older logs are of earlier runs.
    """
    messages = []
    for log in sorted(Path(study.results, "logs").rglob("*.log")):
        if log.stat().st_mtime < since:
            continue
        text = log.read_text(encoding="utf-8", errors="replace")
        stated = re.search(r"^error: (.+)", text, flags=re.MULTILINE | re.DOTALL)
        if stated:
            messages.append(f"{stated[1].strip()}\n  (log: {log})")
        elif "Traceback (most recent call last)" in text:
            messages.append(f"{text.strip().splitlines()[-1]}\n  (a fault of this software; log: {log})")
    return "\n".join(["", "Failed:", *(messages or ["see the messages above"]), ""])
