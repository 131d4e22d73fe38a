"""Builds the operator with the machine's C++ compiler, once, into the folder where torch keeps such extensions."""

import contextlib
import functools
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import filelock
import ninja
import torch

from cnntention.base.files import write_text

SOURCES = sorted(file for pattern in ("*.cpp", "*.h") for file in Path(__file__).parent.glob(pattern))
"""They stand beside this file in an installed package, too."""

BUILT = "built"
"""File beside the library, written after it: the flags of the compiler."""

CPU_FACTS = Path("/proc/cpuinfo")
"""Of Linux; elsewhere a folder of builds is taken to serve one kind of CPU."""


class BuildError(Exception):
    """Says in a few words why there is no operator on this machine."""


@functools.cache
def digest() -> str:
    """Of the sources: what decides, beside the width of a vector, over the bits of a result."""
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in SOURCES)).hexdigest()[:12]


class Target(NamedTuple):
    """What the operator is built for.

    Attributes:
        instructions: the vector instructions, such as ``avx512``.
        flags: with which the compiler takes them.
    """

    instructions: str
    flags: str


@functools.cache
def target() -> Target:
    """What torch builds for on this machine.

    Its answer is kept in a file beside the builds: to ask it imports torch.compile and all that this stands on, which
    would take every process a second and a half.

    Raises:
        BuildError: the compiler is missing, or builds for none of the CPU's vector instructions.
    """
    kept = _root() / f"cnntention_target_{_question()}"
    try:
        return Target(*kept.read_text(encoding="utf-8").splitlines())
    except (OSError, TypeError, ValueError):  # not there, or damaged
        answer = _asked()
    with contextlib.suppress(OSError):
        write_text(kept, "\n".join(answer))
    return answer


def load() -> None:
    """Build the operator, unless it has been, and load it into this process as ``torch.ops.cnntention.attention``.

    It is built once for all copies of the sources on a machine: what the result depends on is in its folder's name.
    Several processes may do so at once: one builds, the others wait for it.

    Raises:
        BuildError: it cannot be built, or not be loaded.
    """
    name = f"cnntention_attention_{target().instructions}_{digest()}"
    try:
        folder = _root() / f"{name}_torch{torch.__version__}".replace("+", "_")
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
    from torch.utils import cpp_extension  # says something of CUDA when imported, see base/device.py

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
    # No compiler decides by itself which products and sums to round once: the bits are the same with any of them.
    flags = ["-O3", *target().flags.split(), "-ffp-contract=off"]
    # torch's own threads come by OpenMP. Apple's compiler has none: one thread there.
    return flags if sys.platform == "darwin" else [*flags, "-fopenmp"]


def _root() -> Path:
    """The folder of all builds, on Linux that of torch's own; torch has it in a module that takes long to import."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("TORCH_EXTENSIONS_DIR") or Path(cache, "torch_extensions"))


def _question() -> str:
    """A digest of what torch's answer depends on: itself, the compiler, the CPU and ATEN_CPU_CAPABILITY."""
    name = os.environ.get("CXX", "c++")
    compiler = shutil.which(name)
    if not compiler:
        raise BuildError(f"there is no C++ compiler ({name})")
    file = Path(compiler).resolve()
    try:
        facts = CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        facts = []
    cpu = sorted({line for line in facts if line.lower().startswith(("flags", "features"))})
    known = (torch.__version__, file, file.stat().st_size, file.stat().st_mtime_ns, cpu)
    return hashlib.sha256(repr((*known, torch.backends.cpu.get_cpu_capability())).encode()).hexdigest()[:12]


def _asked() -> Target:
    try:
        from torch._inductor.cpu_vec_isa import pick_vec_isa

        isa = pick_vec_isa()
        if not isa:
            raise BuildError("it builds none of this CPU's vector instructions that torch knows")
        flags = [*(f"-D{macro}" for macro in isa.build_macro()), isa.build_arch_flags()]
        return Target(str(isa).split()[0], " ".join(flags))
    except Exception as error:
        raise BuildError(f"the C++ compiler was tried in vain: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
