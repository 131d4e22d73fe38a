"""CIFAR-10 and MNIST through torchvision: its folder layout, checksums and addresses, plus mirrors and retries."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http.client import HTTPException
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from torchvision import datasets
from torchvision.datasets.utils import check_integrity

from cnntention.base.errors import DataError

ATTEMPTS = 3
TIMEOUT_S = 30
BACKOFF_S = 2.0


def fetch(source: str, folder: str | os.PathLike, mirrors: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The official arrays of a torchvision dataset, downloaded only where its files are not in ``folder``.

    Args:
        source: ``cifar10`` or ``mnist``.
        folder: torchvision's root: holds ``cifar-10-batches-py/`` or ``MNIST/raw/``.
        mirrors: base addresses to try before torchvision's own.

    Returns:
        ``x_train``, ``x_test`` uint8 ``[N, H, W, C]``, ``y_train``, ``y_test`` int64 ``[N]``.

    Raises:
        DataError: the files are neither there nor to be had, or are damaged. The text names each file, its MD5 and
            where to put it.
    """
    load = {"cifar10": _cifar10, "mnist": _mnist}[source]
    arrays = load(Path(folder), [address.rstrip("/") + "/" for address in mirrors])
    return {
        name: array[..., None] if name.startswith("x") and array.ndim == 3 else array for name, array in arrays.items()
    }


def _cifar10(folder: Path, mirrors: list[str]) -> dict[str, np.ndarray]:
    official = datasets.CIFAR10
    addresses = [address + official.filename for address in mirrors] + [official.url]
    needed = [_needed(folder / official.filename, official.tgz_md5)]

    def load(address: str) -> dict[str, np.ndarray]:
        # The file of class names is in no list that torchvision checks, and not needed.
        mirrored = type("CIFAR10", (official,), {"url": address, "_load_meta": lambda self: None})
        train, test = (mirrored(folder, train=train, download=True) for train in (True, False))
        return _arrays(train.data, train.targets, test.data, test.targets)

    return _attempt(load, addresses, needed)


def _mnist(folder: Path, mirrors: list[str]) -> dict[str, np.ndarray]:
    official = datasets.MNIST
    raw = folder / "MNIST" / "raw"
    needed = [_needed(raw / name, md5) for name, md5 in official.resources]

    def load(address: str) -> dict[str, np.ndarray]:
        mirrored = type("MNIST", (official,), {"mirrors": [address]})
        train, test = (mirrored(folder, train=train, download=True) for train in (True, False))
        return _arrays(train.data.numpy(), train.targets.numpy(), test.data.numpy(), test.targets.numpy())

    return _attempt(load, mirrors + official.mirrors, needed)


def _arrays(x_train: np.ndarray, y_train: ArrayLike, x_test: np.ndarray, y_test: ArrayLike) -> dict[str, np.ndarray]:
    labels = {"y_train": np.asarray(y_train, dtype=np.int64), "y_test": np.asarray(y_test, dtype=np.int64)}
    return {"x_train": x_train, "x_test": x_test} | labels


def _attempt(
    load: Callable[[str], dict[str, np.ndarray]], addresses: list[str], needed: list[str]
) -> dict[str, np.ndarray]:
    """Try every address in turn, a few rounds with growing pauses."""
    failures: dict[str, str] = {}
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(BACKOFF_S * 2 ** (attempt - 1))
        for address in addresses:
            try:
                with _socket_timeout(TIMEOUT_S):
                    return load(address)
            except (RuntimeError, OSError, HTTPException, EOFError, ValueError, AssertionError) as error:
                reason = getattr(error, "reason", error)
                failures[address] = " ".join(str(reason).split())[:200] or type(error).__name__
                if not isinstance(error, OSError | HTTPException) and not _download_failed(error):
                    raise DataError(
                        f"a file of this dataset is damaged ({failures[address]}); remove it and run again. "
                        f"These are needed:{_lines(needed)}"
                    ) from None
    tried = _lines(f"{address}: {reason}" for address, reason in failures.items())
    raise DataError(
        f"cannot download this dataset; put these files in place by hand, and run again:{_lines(needed)}\nTried:{tried}"
    )


def _needed(path: Path, md5: str) -> str:
    """A file that is needed, its checksum, and whether a damaged one stands in its place."""
    damaged = path.is_file() and not check_integrity(str(path), md5)
    return f"{path} (MD5 {md5}{'; the file there is another one or damaged' if damaged else ''})"


def _download_failed(error: Exception) -> bool:
    """Whether torchvision could not fetch a file, rather than could not read it."""
    return isinstance(error, RuntimeError) and any(
        text in str(error) for text in ("Error downloading", "File not found or corrupted")
    )


def _lines(entries: Iterable[str]) -> str:
    return "".join(f"\n  {entry}" for entry in entries)


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """torchvision sets no timeout, so a silent server would hang it for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
