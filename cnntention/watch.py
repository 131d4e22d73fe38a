"""The progress of a study as a table on the terminal, live where there is one."""

import time
from collections import Counter

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cnntention import progress
from cnntention.progress import STATES, Row, duration
from cnntention.study import Study

INTERVAL_S = 2.0
PLAIN_WIDTH = 200  # characters of a line that goes to no terminal
STYLES = {
    progress.TRAINING: "bold cyan",
    progress.SILENT: "yellow",
    progress.FAILED: "bold red",
    progress.INTERRUPTED: "yellow",
    progress.WAITING: "dim",
    progress.STALE: "magenta",
    progress.TRAINED: "green",
    progress.EVALUATED: "bold green",
}
FRAME_LINES = 5  # head, its rule, and the line below
NUMBER = {"justify": "right", "no_wrap": True}


def watch(study: Study) -> None:
    """Show the table until all runs are evaluated or Ctrl-C; once where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        Console(width=PLAIN_WIDTH).print(table(progress.rows(study, time.time())))
        return
    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                rows = progress.rows(study, time.time())
                live.update(table(rows, console.height - FRAME_LINES), refresh=True)
                if all(row.state == progress.EVALUATED for row in rows):
                    return
                time.sleep(INTERVAL_S)
    except KeyboardInterrupt:
        pass


def table(rows: list[Row], lines: int | None = None) -> Table:
    """The rows in the order of the study, as many as there are lines for: those that want attention first.

    Args:
        rows: of all runs.
        lines: None: as many as there are rows.
    """
    shown = rows
    if lines is not None and len(rows) > lines:
        urgent = sorted(range(len(rows)), key=lambda index: list(STATES).index(rows[index].state))
        shown = [rows[index] for index in sorted(urgent[: max(1, lines)])]
    counts = Counter(row.state for row in rows)
    caption = f"{len(rows)} runs: " + ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    if len(shown) < len(rows):
        caption += f"; {len(rows) - len(shown)} not shown"
    drawn = Table(box=None, caption=caption, caption_justify="left", pad_edge=False)
    drawn.add_column("run", no_wrap=True)
    drawn.add_column("state", no_wrap=True)
    drawn.add_column("epoch", **NUMBER)
    drawn.add_column("train error", **NUMBER)
    drawn.add_column("error", **NUMBER)
    drawn.add_column("left", **NUMBER)
    drawn.add_column("device", no_wrap=True)
    drawn.add_column("note", no_wrap=lines is not None, ratio=1)
    for row in shown:
        drawn.add_row(
            str(row.run),
            Text(row.state, STYLES[row.state]),
            f"{'–' if row.epoch is None else row.epoch}/{row.epochs}",
            _percent(row.train_error),
            _percent(row.error) + ("" if row.error is None else " test" if row.run.split == "full" else " val."),
            "" if row.seconds_left is None else duration(row.seconds_left),
            Text(row.device),
            Text(row.note),
        )
    return drawn


def _percent(error: float | None) -> str:
    return "" if error is None else f"{error:.2f}%"
