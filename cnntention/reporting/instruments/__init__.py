"""What instruments found on all models and seeds of a stanza: one table, and a picture where there is one."""

import os

from cnntention.reporting.instruments import pictures, results
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.instruments.table import build
from cnntention.reporting.table import Table


def make_table(spec: StanzaSpec, folder: str, stem: str) -> Table:
    """Make the table of the runs that are measured, and write it, see :meth:`.Table.write`.

    Args:
        spec: of the stanza.
        folder: of the results.
        stem: of the table's files.

    Raises:
        DataError: a measurement is damaged.
    """
    table = build(spec, results.read(folder, spec))
    table.write(stem)
    return table


def draw_picture(spec: StanzaSpec, folder: str, stem: str | os.PathLike) -> list[str]:
    """Draw the picture of the runs that are measured to ``stem`` + ``.png`` and ``.svg``; for the rest see above.

    Returns:
        The paths of both.
    """
    from cnntention.reporting.style import save  # with matplotlib

    figure = pictures.load(spec.instrument.kind).draw(spec, results.read(folder, spec))
    paths = [f"{stem}{suffix}" for suffix in pictures.SUFFIXES]
    for path in paths:
        save(figure, path, pictures.DPI)
    return paths
