"""Files that a dataset's makers publish with checksums: fetched if they are missing, read only if they are whole."""

import contextlib
import dataclasses
import hashlib
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from filelock import FileLock

from cnntention.base.errors import DataError
from cnntention.base.files import atomic_path

ATTEMPTS = 3
TIMEOUT_S = 30
BACKOFF_S = 2.0


@dataclasses.dataclass(frozen=True)
class Official:
    """A published file: its place in the folder of downloads, and the MD5 of its official content."""

    path: Path
    md5: str

    def is_whole(self) -> bool:
        """Whether the file is there, and the official one."""
        try:
            return _md5(self.path.read_bytes()) == self.md5
        except OSError:
            return False

    def read(self) -> bytes:
        """Its content, checked as it is read.

        Raises:
            DataError: it is not the official one.
        """
        content = self.path.read_bytes()
        if _md5(content) != self.md5:
            raise DataError(f"{self.path}: not the official file, whose MD5 is {self.md5}; remove it and run again")
        return content

    def __str__(self) -> str:
        other = self.path.is_file() and not self.is_whole()
        return f"{self.path} (MD5 {self.md5}{'; the file there is damaged or a different one' if other else ''})"


def fetch(files: Sequence[Official], addresses: Sequence[str], instead: Sequence[Official] = ()) -> None:
    """Download those of the files that are not there or not whole: every address in turn, a few rounds with pauses.

    Args:
        files: needed.
        addresses: of the folders that hold them.
        instead: files that would do as well, named in the error if some of them are there.

    Raises:
        DataError: a file is not there and cannot be downloaded. The text names each file, its MD5 and where to put it.
    """
    failures: dict[str, str] = {}
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(BACKOFF_S * 2 ** (attempt - 1))
        for address in (address.rstrip("/") + "/" for address in addresses):
            try:
                with _socket_timeout(TIMEOUT_S):
                    for file in files:
                        if not file.is_whole():
                            _download(address + file.path.name, file)
                return
            except (RuntimeError, OSError, HTTPException, ValueError) as error:
                reason = error if isinstance(error, HTTPError) else getattr(error, "reason", error)
                failures[address] = " ".join(str(reason).split())[:200] or type(error).__name__
    tried = _lines(f"{address}: {reason}" for address, reason in failures.items())
    partly = any(file.path.exists() for file in instead)
    alternative = f"\nor these:{_lines(instead)}" if partly else ""
    raise DataError(
        f"cannot download this dataset; put these files in place by hand, and run again:{_lines(files)}{alternative}"
        f"\nTried:{tried}"
    )


def _download(address: str, file: Official) -> None:
    """Put the file into its place, whole or not at all.

    Raises:
        RuntimeError: what came is not the official file.
        OSError, HTTPException, ValueError: it cannot be downloaded from there.
    """
    from torchvision.datasets.utils import download_url  # seconds

    file.path.parent.mkdir(parents=True, exist_ok=True)
    # Two studies may share the folder.
    with FileLock(file.path.with_name(f".{file.path.name}.lock")):
        if not file.is_whole():
            with atomic_path(file.path) as temporary:
                download_url(address, str(temporary.parent), temporary.name, file.md5)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _lines(entries: Iterable[object]) -> str:
    return "".join(f"\n  {entry}" for entry in entries)


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """torchvision sets no timeout, so a silent server would make it hang for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
