"""The pins say what is installed, in two files that agree."""

import importlib.metadata
import re
import tomllib

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def requirements(name: str) -> list[str]:
    """The lines of a requirements file, without comments and includes."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    stripped = (line.partition("#")[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith("-")]


def conda(name: str = "cnntention") -> list:
    return yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))["dependencies"]


PINS = requirements("requirements.txt")
DEVELOPMENT = requirements("requirements-dev.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BOUNDS = [*PROJECT["dependencies"], *EXTRAS["workflow"], *EXTRAS["slurm"]]
MLFLOW = EXTRAS["mlflow"]
OPTIONAL = [*MLFLOW, *EXTRAS["export"], *EXTRAS["timm"]]
"""What few users want, and so no requirement of the pipeline: pinned for the tests alone."""


def pinned(pins: list[str] = PINS) -> dict[str, Version]:
    return {canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version) for pin in map(Requirement, pins)}


@pytest.mark.parametrize("pin", [*PINS, *DEVELOPMENT])
def test_every_requirement_is_one_exact_version(pin):
    assert re.fullmatch(r"[A-Za-z0-9._-]+==\d+(\.\d+)+", pin)


def test_conda_has_the_same_pins():
    (by_pip,) = (entry["pip"] for entry in conda() if isinstance(entry, dict))
    assert sorted(by_pip) == sorted(PINS)
    assert len(set(PINS)) == len(PINS)


def test_the_environment_of_the_export_to_mlflow_has_the_same_pins():
    (by_pip,) = (entry["pip"] for entry in conda("mlflow") if isinstance(entry, dict))
    assert {Requirement(pin).name for pin in by_pip} == {Requirement(bound).name for bound in MLFLOW}
    assert set(by_pip) <= set(DEVELOPMENT)


@pytest.mark.parametrize("name", ["cnntention", "mlflow"])
def test_conda_has_a_python_that_the_project_allows(name):
    (python,) = (entry for entry in conda(name) if isinstance(entry, str) and entry.startswith("python"))
    allowed = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert allowed.contains(Version(python.partition("=")[2].strip("=")))


@pytest.mark.parametrize("pin", [*PINS, *DEVELOPMENT])
def test_what_is_pinned_is_what_is_installed(pin):
    requirement = Requirement(pin)
    installed = Version(importlib.metadata.version(requirement.name))
    assert requirement.specifier.contains(installed.public, prereleases=True)


@pytest.mark.parametrize("bound", [*BOUNDS, *OPTIONAL])
def test_the_pins_keep_the_projects_bounds(bound):
    requirement = Requirement(bound)
    version = pinned([*PINS, *DEVELOPMENT])[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)


def test_nothing_is_pinned_that_the_project_does_not_name():
    assert set(pinned()) == {canonicalize_name(Requirement(bound).name) for bound in BOUNDS}


def test_the_snakefile_takes_the_pinned_snakemake():
    (least,) = re.findall(r'min_version\("([\d.]+)"\)', (ROOT / "Snakefile").read_text(encoding="utf-8"))
    assert pinned()["snakemake"] >= Version(least)
    (bound,) = (Requirement(entry) for entry in BOUNDS if entry.startswith("snakemake>"))
    assert bound.specifier.contains(Version(least))


def test_everything_that_the_package_imports_is_named_by_the_project():
    """Top-level imports of the sources, by the distribution that provides them."""
    statement = re.compile(r"^\s*(?:import|from) (\w+)", re.MULTILINE)
    files = [*(ROOT / "cnntention").rglob("*.py"), *(ROOT / "workflow_scripts").glob("*.py")]
    modules = {name for file in files for name in statement.findall(file.read_text(encoding="utf-8"))}
    providers = importlib.metadata.packages_distributions()
    import sys

    foreign = {module for module in modules - set(sys.stdlib_module_names) - {"cnntention"} if module in providers}
    assert {"torch", "numpy", "yaml", "PIL", "sklearn", "pytorch_grad_cam"} <= foreign
    named = {canonicalize_name(Requirement(bound).name) for bound in [*BOUNDS, *OPTIONAL]}
    for module in foreign:
        assert named & {canonicalize_name(provider) for provider in providers[module]}, module


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
