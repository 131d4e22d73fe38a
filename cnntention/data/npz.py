"""Image classification data in one ``.npz``: the format of prepared data, and one that users may bring.

Arrays: ``x_train``, ``x_test`` uint8 ``[N, H, W, C]`` or ``[N, H, W]``; ``y_train``, ``y_test`` integers ``[N]``.
"""

import os
import re
import zipfile
from typing import IO

import numpy as np

from cnntention.base.errors import DataError

MINIMUM_SIZE = 8
"""Pixels: two halvings must leave the third stage something to look at."""

ARRAYS = ("x_train", "y_train", "x_test", "y_test")

MORE_IMAGES = re.compile(r"(^|_)(val|valid|validation|dev|extra|holdout)(_|$)", re.IGNORECASE)
"""Names of arrays whose images somebody means to use."""


def shapes(path: str | os.PathLike) -> dict[str, tuple[int, ...]]:
    """The shapes of the four arrays, read from the headers alone, in milliseconds whatever the file's size.

    Raises:
        DataError: the file is missing or no .npz, an array is missing, holds objects, or has a wrong type or shape, or
            there are images that would not be used.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in ARRAYS:
                try:
                    with archive.open(f"{name}.npy") as file:
                        found[name] = _header(file)
                except KeyError:
                    held = ", ".join(_names(archive)) or "nothing"
                    raise DataError(
                        f"{path}: has no array '{name}'; it must have {', '.join(ARRAYS)}, there are {held}"
                    ) from None
            unused = [name for name in _others(archive) if MORE_IMAGES.search(name)]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; put an .npz with {', '.join(ARRAYS)} there") from None
    except DataError:
        raise
    except Exception as error:  # damaged bytes make the readers of zip and of numpy's headers raise all kinds of errors
        raise DataError(f"{path}: not a whole .npz file ({error})") from None
    if unused:
        raise DataError(
            f"{path}: holds {', '.join(unused)}, which would not be used; validation images are cut from x_train "
            f"(validation_images in the config), so add them to x_train or leave them out of the file"
        )
    for part in ("train", "test"):
        _check_part(path, part, *found[f"x_{part}"], *found[f"y_{part}"])
    if found["x_train"][0][1:] != found["x_test"][0][1:]:
        raise DataError(f"{path}: images of x_train and x_test differ in shape")
    return {name: shape for name, (shape, _) in found.items()}


def others(path: str | os.PathLike) -> list[str]:
    """The names of further arrays in a file that :func:`shapes` accepts, which nothing reads."""
    with zipfile.ZipFile(path) as archive:
        return _others(archive)


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _others(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in _names(archive) if name not in ARRAYS]


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _check_part(
    path: str | os.PathLike, part: str, x_shape: tuple, x_dtype: np.dtype, y_shape: tuple, y_dtype: np.dtype
) -> None:
    if x_dtype.hasobject or y_dtype.hasobject:
        raise DataError(f"{path}: x_{part} or y_{part} holds pickled objects, which are never read; save plain arrays")
    if x_dtype != np.uint8:
        raise DataError(f"{path}: x_{part} is {x_dtype}, uint8 (0 to 255) is needed")
    if not (len(x_shape) == 3 or (len(x_shape) == 4 and x_shape[3] in (1, 3))):
        raise DataError(
            f"{path}: x_{part} has shape {list(x_shape)}; [N, H, W], [N, H, W, 1] or [N, H, W, 3] is needed"
        )
    if not np.issubdtype(y_dtype, np.integer):
        raise DataError(f"{path}: y_{part} is {y_dtype}, integer labels are needed")
    if y_shape != x_shape[:1]:
        raise DataError(f"{path}: y_{part} has shape {list(y_shape)} for {x_shape[0]} images")
    if 0 in x_shape:
        raise DataError(f"{path}: x_{part} is empty")
    if min(x_shape[1:3]) < MINIMUM_SIZE:
        raise DataError(f"{path}: images of x_{part} are {x_shape[1]}x{x_shape[2]}, at least 8x8 pixels are needed")


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The four arrays; images always as ``[N, H, W, C]``, labels as int64.

    Raises:
        DataError: as :func:`shapes`, or the file's content is damaged.
    """
    shapes(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ARRAYS}
    except Exception as error:  # as above
        raise DataError(f"{path}: damaged ({error})") from None
    for part in ("train", "test"):
        x = arrays[f"x_{part}"]
        arrays[f"x_{part}"] = x if x.ndim == 4 else x[..., None]
        arrays[f"y_{part}"] = arrays[f"y_{part}"].astype(np.int64)
    return arrays
