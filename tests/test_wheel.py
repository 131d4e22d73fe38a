"""The wheel holds what the command needs, far from any checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, SMALL

from cnntention.study.config import load
from cnntention.study.study import Study


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, since setuptools leaves its own files beside the sources, and takes old ones from there."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "cnntention", folder / "sources/cnntention")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "sources")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, folder / "sources")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel, tmp_path_factory) -> Path:
    """The installed command, in an environment that takes all other packages from the one of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    scripts = Path(sysconfig.get_path("scripts", "venv", paths))
    _pip("--python", scripts / "python", "install", "--no-deps", "--no-index", wheel)
    return scripts / "cnntention"


def _pip(*arguments) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *map(str, arguments)], check=True, capture_output=True)


def run(command: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    sources = {path for path in (ROOT / "cnntention").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {path.relative_to(ROOT).as_posix() for path in sources}
    assert {"cnntention/study/config.schema.yaml", "cnntention/py.typed"} <= held


def test_help(command, tmp_path):
    done = run(command, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: cnntention")


def test_runs_of_a_copied_config_are_listed(command, tmp_path):
    shutil.copy(ROOT / "config.yaml", tmp_path)
    done = run(command, "runs", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(run) for run in Study(load(ROOT / "config.yaml")).runs()]


def test_without_a_config_it_says_what_to_do(command, tmp_path):
    done = run(command, "runs", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: config.yaml: No such file in {tmp_path}; run this in ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_run_is_trained(command, tmp_path):
    """Its state is keyed by the package's sources, which are found where the package is installed."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    for arguments in (("prepare", "digits"), ("train", "digits", "baseline", "--threads", "1")):
        done = run(command, *arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert (tmp_path / "out/runs/digits/baseline/full/seed3/model.pt").is_file()
