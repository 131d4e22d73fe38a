"""The closure of imports: exactly the files that Python reads, so that a step is rebuilt when its code changes."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

from cnntention.base import code_files as imports
from cnntention.base.code_files import closure

SCRIPTS = sorted(path.name for path in (ROOT / "workflow_scripts").glob("*.py"))
LAZY = {
    "plot_figure.py": {"cnntention/reporting/style.py"},
    "make_instrument_table.py": {"cnntention/instruments/contract.py", "cnntention/reporting/style.py"},
    "draw_instrument_picture.py": {"cnntention/instruments/contract.py", "cnntention/reporting/style.py"},
}
"""What a script imports only when it needs it."""

OBSERVER = """
import importlib.util, json, pathlib, sys
root = pathlib.Path(sys.argv[1])
found = {}
for name in sys.argv[2:]:
    for module in [module for module in sys.modules if module.partition(".")[0] == "cnntention"]:
        del sys.modules[module]
    script = root / "workflow_scripts" / name
    spec = importlib.util.spec_from_file_location("script", script)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    paths = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    files = {pathlib.Path(path) for path in paths if path}
    package = [file.relative_to(root).as_posix() for file in files if file.is_relative_to(root / "cnntention")]
    found[name] = [*package, script.relative_to(root).as_posix()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def really_imported() -> dict[str, set[str]]:
    """For each script the files of the package in memory after it was imported as a module, and the script.

    One process looks at all scripts, since torch takes seconds to import; the package is forgotten in between.
    """
    done = subprocess.run(
        [sys.executable, "-c", OBSERVER, str(ROOT), *SCRIPTS],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {script: set(files) for script, files in json.loads(done.stdout.splitlines()[-1]).items()}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project with a package named ``pack`` in place of this one; call it to write a file."""

    def write(path, text=""):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    monkeypatch.setattr(imports, "ROOT", tmp_path)
    monkeypatch.setattr(imports, "PACKAGE", tmp_path / "pack")
    imports.closure.cache_clear()
    imports._imports.cache_clear()
    write("pack/__init__.py")
    yield write
    imports.closure.cache_clear()
    imports._imports.cache_clear()


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_closure_of_a_script_is_what_python_imports(really_imported, script):
    lazy = closure(*LAZY.get(script, []))
    assert set(closure(f"workflow_scripts/{script}")) == really_imported[script] | set(lazy)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_rests_on_a_source_of_images(script):
    """The one that a dataset comes from is an input of its preparation, see rules/data.smk."""
    assert not [
        file for file in closure(f"workflow_scripts/{script}") if "data/sources/" in file and "__init__" not in file
    ]


def test_a_source_rests_on_what_it_uses():
    download = "cnntention/data/download.py"
    assert download in closure("cnntention/data/sources/mnist.py")
    assert download not in closure("cnntention/data/sources/digits.py")


def test_every_script_is_looked_at():
    assert {"train.py", "evaluate.py", "prepare_data.py", "make_table.py", "plot_figure.py"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
@pytest.mark.parametrize(
    "module",
    [
        "reporting/figures/curves",
        "reporting/table",
        "study/config",
        "study/study",
        "workflow/summary",
        "reporting/statistics/seeds",
        "reporting/style",
        "evaluation/gradcam",
    ],
)
def test_trainings_do_not_rest_on_how_results_are_shown_or_configured(script, module):
    assert f"cnntention/{module}.py" not in closure(f"workflow_scripts/{script}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_step_rests_on_the_config_code_since_its_spec_says_all(script):
    files = closure(f"workflow_scripts/{script}")
    assert not {"cnntention/study/config.py", "cnntention/study/study.py", "cnntention/__main__.py"} & set(files)


def test_training_rests_on_what_makes_its_numbers():
    files = closure("workflow_scripts/train.py")
    expected = (
        "training/training",
        "training/step",
        "training/optimization",
        "network/resnet",
        "data/batches",
        "data/dataset",
        "attention/residual",
    )
    assert {f"cnntention/{name}.py" for name in expected} <= set(files)


@pytest.mark.parametrize("block", ["cbam", "mha", "selfatt"])
def test_a_block_counts_only_where_it_is_named(block):
    file = f"cnntention/attention/{block}.py"
    assert file not in closure("workflow_scripts/train.py")
    assert file in closure("workflow_scripts/train.py", file)


def test_a_kind_of_table_or_figure_counts_only_where_it_is_named():
    """Another kind makes no table anew; the overview shows tables of accuracy."""
    for script, folder in (("make_table.py", "tables"), ("plot_figure.py", "figures")):
        files = closure(f"workflow_scripts/{script}")
        own = {file for file in files if file.startswith(f"cnntention/reporting/{folder}/")}
        assert own == {f"cnntention/reporting/{folder}/{name}.py" for name in ("__init__", "kind")}
    assert "cnntention/reporting/tables/accuracy.py" in closure("workflow_scripts/make_overview.py")


def test_a_block_brings_what_it_imports():
    heads = "cnntention/attention/heads.py"
    assert heads in closure("cnntention/attention/mha.py")
    assert heads not in closure("cnntention/attention/cbam.py")


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_closure_names_files_that_are_there_sorted_and_once(script):
    files = closure(f"workflow_scripts/{script}")
    assert list(files) == sorted(set(files))
    assert all((ROOT / file).is_file() for file in files)
    assert f"workflow_scripts/{script}" in files


def test_each_form_of_import_is_followed(project):
    for name in ("plain", "renamed", "name", "star", "nested", "guarded", "unused", "behind"):
        project(f"pack/{name}.py", "import pack.behind" if name == "star" else "")
    project("pack/sub/__init__.py", "from pack import nested")
    project("pack/sub/deep.py")
    project(
        "script.py",
        "import os, json, numpy.linalg\n"
        "import pack.plain\n"
        "import pack.renamed as other\n"
        "from pack import name, CONSTANT\n"
        "from pack.star import *\n"
        "from pack.sub import deep\n"
        "def f():\n"
        "    try:\n"
        "        import pack.guarded\n"
        "    except ImportError:\n"
        "        pass\n",
    )
    names = ("__init__", "behind", "guarded", "name", "nested", "plain", "renamed", "star", "sub/__init__", "sub/deep")
    assert closure("script.py") == (*(f"pack/{name}.py" for name in names), "script.py")


def test_imports_in_a_circle_end(project):
    project("pack/a.py", "import pack.b")
    project("pack/b.py", "import pack.a")
    assert closure("pack/a.py") == ("pack/__init__.py", "pack/a.py", "pack/b.py")


def test_another_package_with_a_name_that_begins_alike_is_not_followed(project):
    project("packages.py")
    project("script.py", "import packages\nfrom packages import x\n")
    assert closure("script.py") == ("script.py",)


@pytest.mark.parametrize("statement", ["from . import other", "from .other import x", "from .. import pack"])
def test_a_relative_import_is_refused(project, statement):
    project("pack/other.py")
    project("pack/one.py", f"def f():\n    {statement}\n")
    project("script.py", "import pack.one")
    with pytest.raises(SyntaxError, match=r"one\.py: use absolute imports"):
        closure("script.py")


def test_a_file_that_is_no_python_is_reported(project):
    project("script.py", "def f(:\n")
    with pytest.raises(SyntaxError):
        closure("script.py")


def test_a_file_that_is_no_python_is_named(project):
    """There may be dozens of files behind a rule."""
    project("pack/odd.py", "def f(:\n")
    project("script.py", "import pack.odd\n")
    with pytest.raises(SyntaxError) as caught:
        closure("script.py")
    assert "odd.py" in f"{caught.value.filename} {caught.value}"


def test_a_missing_entry_is_reported():
    with pytest.raises(FileNotFoundError, match=r"absent\.py"):
        closure("workflow_scripts/absent.py")
