"""Builds the operator with the machine's C++ compiler, once, into the folder where torch keeps such extensions."""

import functools
import hashlib
import os
import shutil
import sys
from pathlib import Path

import filelock
import ninja
import torch

SOURCES = sorted(file for pattern in ("*.cpp", "*.h") for file in Path(__file__).parent.glob(pattern))
"""They stand beside this file in an installed package, too."""

BUILT = "built"
"""File beside the library, written after it: the flags of the compiler."""


class BuildError(Exception):
    """Says in a few words why there is no operator on this machine."""


@functools.cache
def digest() -> str:
    """Of the sources: what decides, beside the width of a vector, over the bits of a result."""
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in SOURCES)).hexdigest()[:12]


@functools.cache
def instructions() -> str:
    """The vector instructions that the operator is built for, such as ``avx512``.

    Raises:
        BuildError: the compiler is missing, or builds for none of them.
    """
    compiler = os.environ.get("CXX", "c++")
    if not shutil.which(compiler):
        raise BuildError(f"there is no C++ compiler ({compiler})")
    try:
        return str(_isa()).split()[0]
    except Exception as error:
        raise BuildError(f"the C++ compiler was tried in vain: {_first_line(error)}") from None


def load() -> None:
    """Build the operator, unless it has been, and load it into this process as ``torch.ops.cnntention.attention``.

    It is built once for all copies of the sources on a machine: what the result depends on is in its folder's name.
    Several processes may do so at once: one builds, the others wait for it.

    Raises:
        BuildError: it cannot be built, or not be loaded.
    """
    name = f"cnntention_attention_{instructions()}_{digest()}"
    try:
        from torch.utils import cpp_extension  # says something of CUDA when imported, see base/device.py

        root = os.environ.get("TORCH_EXTENSIONS_DIR") or cpp_extension.get_default_build_root()
        folder = Path(root, f"{name}_torch{torch.__version__}".replace("+", "_"))
        folder.mkdir(parents=True, exist_ok=True)
        if not _built(folder):
            with filelock.FileLock(folder / "building"):
                if not _built(folder):
                    _build(name, folder)
                    (folder / BUILT).write_text(" ".join(_flags()), encoding="utf-8")
        torch.ops.load_library(folder / f"{name}.so")
    except Exception as error:
        raise BuildError(f"it could not be built: {_first_line(error)}") from None


def _built(folder: Path) -> bool:
    """Whether the whole library is there; torch's builder would build it anew for each copy of the sources."""
    file = folder / BUILT
    return file.is_file() and file.read_text(encoding="utf-8") == " ".join(_flags())


def _build(name: str, folder: Path) -> None:
    """Compile and link the sources into a library in a folder."""
    from torch.utils import cpp_extension

    # Older torch waits for this file's end for ever, also where the process that made it was killed.
    (folder / "lock").unlink(missing_ok=True)
    path = os.environ.get("PATH", "")
    # Not every environment is activated: torch looks for ninja on the path.
    os.environ["PATH"] = os.pathsep.join([ninja.BIN_DIR, path])
    try:
        cpp_extension.load(
            name,
            [str(file) for file in SOURCES if file.suffix == ".cpp"],
            extra_cflags=_flags(),
            build_directory=str(folder),
            is_python_module=False,
        )
    finally:
        os.environ["PATH"] = path


def _flags() -> list[str]:
    isa = _isa()
    flags = ["-O3", *(f"-D{macro}" for macro in isa.build_macro()), *isa.build_arch_flags().split()]
    # No compiler decides by itself which products and sums to round once: the bits are the same with any of them.
    flags.append("-ffp-contract=off")
    # torch's own threads come by OpenMP. Apple's compiler has none: one thread there.
    return flags if sys.platform == "darwin" else [*flags, "-fopenmp"]


def _isa():  # type: ignore[no-untyped-def]  # torch's own type, of a private module
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    isa = pick_vec_isa()
    if not isa:
        raise BuildError("it builds none of this CPU's vector instructions that torch knows")
    return isa


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
