"""What the end of a pipeline run says on the terminal: the results, or what went wrong."""

import re
from pathlib import Path

from cnntention.study.study import Study


def summary(study: Study) -> str:
    """The result tables that are there, and where to look for the rest."""
    paths = (study.tables.stem(name) + ".md" for name in study.config["tables"])
    tables = [Path(path).read_text(encoding="utf-8") for path in paths if Path(path).is_file()]
    places = {
        "overview": "overview.html",
        "tables": "tables/",
        "curves": "figures/",
        "Grad-CAM grids": "gradcam/",
        "instruments": "instruments/",
        "logs": "logs/",
    }
    look = [
        f"  {name + ':':<16}{study.results}/{place}"
        for name, place in places.items()
        if Path(study.results, place).exists()
    ]
    return "\n".join(["", *tables, "Where to look:", *look])


def reason(message: str) -> str:
    """One line for what an executor says of a job that failed: each of its lines once, without the call at its end."""
    kept: list[str] = []
    for line in map(str.strip, message.partition("sbatch call:")[0].splitlines()):
        if line and not any(line.strip("'.") in earlier for earlier in kept):
            kept.append(line)
    return " ".join(kept)


STATED = re.compile(r"^error: (.+)", flags=re.MULTILINE | re.DOTALL)
"""How a step says in its log what the user can do something about, see :func:`cnntention.base.errors.reported`."""


STOPPED = "stopped by SIGINT before it began"
"""Ctrl-C before the step's own code was reached, which Python reports like any error."""


def failure(log: str) -> str | None:
    """What went wrong, according to the text of a step's log; None if nothing did."""
    stated = STATED.search(log)
    if stated:
        return stated[1].strip()
    if "Traceback (most recent call last)" not in log:
        return None
    end = log.strip().splitlines()[-1]
    return STOPPED if end == "KeyboardInterrupt" else end


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
        message = failure(text)
        if message is not None:
            fault = "" if STATED.search(text) or message == STOPPED else "a fault of this software; "
            messages.append(f"{message}\n  ({fault}log: {log})")
    return "\n".join(["", "Failed:", *(messages or ["see the messages above"]), ""])
