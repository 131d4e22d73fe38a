"""A pretended GPU for programs of their own: see cuda.cpp."""

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class AbsentError(Exception):
    """Says why there can be no pretended GPU here."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """What a program said."""

    stdout: str
    stderr: str

    @property
    def result(self) -> dict:
        """The JSON of its last line."""
        return json.loads(self.stdout.splitlines()[-1])


def _headers() -> Path | None:
    """Those of CUDA that come with Triton, which torch's CUDA build for Linux brings."""
    triton = importlib.util.find_spec("triton")
    folder = Path(triton.origin).parent / "backends/nvidia/include" if triton and triton.origin else Path()
    return folder if (folder / "cuda_runtime_api.h").is_file() else None


def build(folder: Path) -> Callable[..., Ended]:
    """Builds the pretended GPU in a folder; returns what runs a program on it, with variables of the environment.

    Raises:
        AbsentError: it cannot be built.
    """
    import torch

    if not torch.backends.cuda.is_built():
        raise AbsentError("this torch is not built for CUDA")
    headers, compiler = _headers(), shutil.which("g++")
    if not headers or not compiler:
        raise AbsentError("needs g++ and the CUDA headers that come with Triton")
    library = folder / "libcuda.so.1"
    options = ["-std=c++17", "-O1", "-shared", "-fPIC", "-w"]
    subprocess.run([compiler, *options, f"-I{headers}", str(HERE / "cuda.cpp"), "-o", str(library)], check=True)
    (folder / "libcuda.so").symlink_to(library.name)
    environment = os.environ | {
        "LD_PRELOAD": str(library),
        "LD_LIBRARY_PATH": str(folder),
        "PRETENDED_GPU": str(library),
        "TRITON_LIBCUDA_PATH": str(folder),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
        "TMPDIR": str(folder),
    }

    def run(program: str, *arguments: str, cwd: Path = folder, returncode: int = 0, **variables: str) -> Ended:
        done = subprocess.run(
            [sys.executable, str(HERE / program), *arguments],
            cwd=cwd,
            env=environment | variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == returncode, done.stdout + done.stderr
        return Ended(done.stdout, done.stderr)

    return run
