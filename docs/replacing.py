"""A published folder is replaced as a whole or not at all."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yields an empty folder of the same name, which takes the other's place at the end, if nothing was raised."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        made, before = Path(beside, folder.name), Path(beside, "before")
        made.mkdir()
        yield made
        if folder.exists():
            folder.rename(before)
        try:
            made.rename(folder)
        except BaseException:
            if before.exists() and not folder.exists():
                before.rename(folder)
            raise
