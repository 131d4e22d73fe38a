"""The progress of a study as a table, live on a terminal."""

import time
from collections import Counter

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cnntention.base.words import duration
from cnntention.study.study import Study
from cnntention.workflow import progress
from cnntention.workflow.progress import STATES, Row

INTERVAL_S = 2.0
PLAIN_WIDTH = 1000  # characters in a line that does not go to a terminal
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
FRAME_LINES = 4  # two of the head, one below it, and the cursor's
HEAD = ("run", "state", "epoch", "train\nerror", "eval.\nerror", "left", "device, notes")
GAP = 2


def watch(study: Study) -> None:
    """Show the table until all runs are evaluated or Ctrl-C; once if the output is not a terminal."""
    console = Console()
    if not console.is_terminal:
        Console(width=PLAIN_WIDTH).print(table(progress.rows(study, time.time()), PLAIN_WIDTH))
        return
    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                rows = progress.rows(study, time.time())
                live.update(table(rows, console.width, console.height - FRAME_LINES), refresh=True)
                if all(row.state == progress.EVALUATED for row in rows):
                    return
                time.sleep(INTERVAL_S)
    except KeyboardInterrupt:
        pass


def table(rows: list[Row], width: int, lines: int | None = None) -> Group:
    """The rows in the order of the study, as many as there are lines for: those that need attention first.

    Args:
        rows: of all runs.
        width: characters of a line; devices and notes take what the other columns leave.
        lines: None: as many as there are rows.
    """
    order = list(STATES)
    shown = rows
    if lines is not None and len(rows) > lines:
        urgent = sorted(rows, key=lambda row: order.index(row.state))[: max(1, lines)]
        shown = [row for row in rows if row in urgent]
    counts = Counter(row.state for row in rows)
    caption = f"{len(rows)} runs: " + ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
    if len(shown) < len(rows):
        caption += f"; {len(rows) - len(shown)} not shown"
    drawn = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    cells = [_cells(row) for row in shown]
    left = width
    for column, head in enumerate(HEAD[:-1]):
        needed = max(len(text) for text in (*head.split("\n"), *(texts[column] for texts in cells)))
        left -= needed + GAP
        drawn.add_column(head, min_width=needed, no_wrap=True, justify="left" if column < 2 else "right")
    if left >= len(HEAD[-1]):
        drawn.add_column(HEAD[-1], no_wrap=True)
    for row, texts in zip(shown, cells, strict=True):
        notes = Text(texts[-1])
        notes.truncate(max(0, left), overflow="ellipsis")
        last = [notes] if left >= len(HEAD[-1]) else []
        drawn.add_row(texts[0], Text(row.state, STYLES[row.state]), *texts[2:-1], *last)
    return Group(drawn, Text(caption, "dim", no_wrap=True, overflow="ellipsis"))


def _cells(row: Row) -> tuple[str, ...]:
    """The texts of a row, one for each of :data:`HEAD`."""
    return (
        str(row.run),
        row.state,
        "" if row.epochs is None else f"{'–' if row.epoch is None else row.epoch}/{row.epochs}",
        *("" if error is None else f"{error:.2f}%" for error in (row.train_error, row.error)),
        "" if row.seconds_left is None else duration(row.seconds_left),
        "; ".join(text for text in (row.note, row.device) if text),
    )
