"""Files that are either whole or absent."""

import contextlib
import hashlib
import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block succeeds, and is removed otherwise.

    The suffix is kept, since numpy and matplotlib choose the format by it. What a killed process left behind of the
    same file is removed.

    Raises:
        OSError: it cannot be written; the error names the file, also where Python's own does not (a full disk).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    leftover = re.compile(rf"\.{re.escape(path.stem)}\.[a-z0-9_]{{8}}{re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        if leftover.fullmatch(other.name):
            other.unlink(missing_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    except OSError as error:
        error.filename = os.fspath(path)
        raise
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp's 0600 would hide results from a group that shares them
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())  # without it a power cut may leave the new name without its content
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is not None and error.filename in (None, name):  # without: of what the block does else
            error.filename = os.fspath(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write ``text`` to ``path`` atomically, in UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_tensors(path: str | os.PathLike, content: dict) -> None:
    """Write tensors and plain values atomically, in torch's format."""
    import torch  # takes seconds, which most users of this module need not spend

    # In memory first: torch's own writer ends with an internal error when a disk is full.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_tensors(path: str | os.PathLike) -> dict:
    """Read what :func:`save_tensors` wrote, to the CPU, without running code from the file.

    Raises:
        Exception: of any kind, when the file is missing, damaged or foreign.
    """
    import torch  # as above

    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()  # torch.load does not look at the checksums
    if damaged:
        raise zipfile.BadZipFile(damaged)
    return torch.load(path, map_location="cpu", weights_only=True)


def sha256(path: str | os.PathLike) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
