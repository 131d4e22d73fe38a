"""What several test files share."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]

# A shell without job control starts what it puts into the background with Ctrl-C ignored, children of it included, and
# the tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


SMALL = {
    "results": "out",
    "machine": {"device": "cpu"},
    "seeds": [3],
    "datasets": {"digits": {"label": "Digits", "source": "digits", "image_size": 8}},
    "recipes": {"short": {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "batch_size": 256, "epochs": 1}},
    "models": {"baseline": {"label": "Baseline", "color": "#4d4d4d", "recipe": "short", "depth": 8}},
}
"""A config of its own, of one small model on digits; nothing asks for its run."""


def example(page: str, holds: str) -> str:
    """The code in a page under docs/ that holds a text."""
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"^```\w+\n(.*?)^```", text, re.DOTALL | re.MULTILINE) if holds in block)
    return code


LONGEST = (
    "tests/workflow/test_workflow.py",
    "tests/workflow/test_slurm.py",
    "tests/workflow/test_interrupted_pipeline.py",
    "tests/pretended_gpu/",
    "tests/training/",
)
"""Where tests of minutes are, which are begun first: side by side, no process is left with them while others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((number for number, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def denormals():
    """Steps run within a test make the process flush denormal numbers, which other tests' tools do not expect."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(autouse=True)
def kernel_of_attention():
    """Steps run within a test choose the code of attention for the whole process."""
    yield
    if (kernel := sys.modules.get("cnntention.attention.kernel")) is not None:
        kernel.use(None, None, "off")


@pytest.fixture
def config() -> dict:
    """The config of the whole study, fresh for each test."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


class Disk:
    """A small file system of its own at ``folder``."""

    def __init__(self, folder: Path, kilobytes: int):
        self.folder = folder
        self._mount("-t", "tmpfs", "-o", f"size={kilobytes}k,uid={os.getuid()},mode=755", "tmpfs")

    def fill(self) -> None:
        """Leave no room, as others' files do."""
        with contextlib.suppress(OSError), open(self.folder / "filler", "wb", buffering=0) as file:
            while True:
                file.write(bytes(1024))

    def free(self) -> None:
        """Take what filled it away."""
        (self.folder / "filler").unlink()

    def make_read_only(self) -> None:
        """Also for root, who may write whatever the permission bits say."""
        self._mount("-o", "remount,ro")

    def make_writable(self) -> None:
        self._mount("-o", "remount,rw")

    def _mount(self, *arguments: str) -> None:
        subprocess.run([*AS_ROOT, "mount", *arguments, str(self.folder)], check=True, capture_output=True)

    def unmount(self) -> None:
        subprocess.run([*AS_ROOT, "umount", "-l", str(self.folder)], check=True, capture_output=True)


AS_ROOT = [] if os.getuid() == 0 else ["sudo", "-n"]


@pytest.fixture
def disk(tmp_path):
    """Makes a small disk of so many kilobytes."""
    disks = []

    def make(kilobytes: int = 512) -> Disk:
        folder = tmp_path / f"disk{len(disks)}"
        folder.mkdir()
        try:
            disks.append(Disk(folder, kilobytes))
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no file system can be mounted here, which takes root or sudo without a password ({error})")
        return disks[-1]

    yield make
    for each in disks:
        each.unmount()
