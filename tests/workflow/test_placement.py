"""Where the workflow may lie and run: folders of any name, away from its config, and within another workflow."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from tiny_study import clone

from cnntention.study.config import load

ODD = "a b (1) 'q' \"2\" $HOME é;& x"


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # -P: the package is the one beside the Snakefile, which must not be that of the working directory by chance
    command = [sys.executable, "-P", "-m", "snakemake", "--cores", "1", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def make(folder: Path, *paths: str, arguments: tuple[str, ...] = ()) -> str:
    """Make files, and see that nothing is left to do for them; returns what the terminal showed."""
    done = snakemake(folder, *arguments, "--", *paths)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to be done" in snakemake(folder, "-n", *arguments, "--", *paths).stdout
    return done.stderr


def test_folders_of_any_name_hold_the_workflow_the_work_and_the_results(tmp_path):
    clone(tmp_path / ODD)
    work = tmp_path / f"{ODD} too: 1"
    work.mkdir()
    (work / "mine.yaml").write_text(
        '{results: "my résults (1) o\'k; x", machine: {downloads: "a b"}}', encoding="utf-8"
    )
    arguments = ("--snakefile", f"../{ODD}/Snakefile", "--configfile", f"../{ODD}/tiny.yaml", "mine.yaml")
    data, table = (f"my résults (1) o'k; x/{path}" for path in ("data/digits.npz", "tables/table1.md"))
    make(work, data, table, arguments=arguments)
    assert (work / data).stat().st_size > 1000
    assert "| Baseline" in (work / table).read_text(encoding="utf-8")
    assert sorted(path.name for path in work.iterdir()) == [".snakemake", "mine.yaml", "my résults (1) o'k; x"]


def test_a_folder_without_a_config_takes_the_repositorys(tmp_path):
    """No config.yaml lies in the directory that the study is to be in."""
    overlay = ROOT / "configs/demo.yaml"
    done = snakemake(tmp_path, "-n", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(overlay))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Train digits/mha/full/seed10" in done.stdout + done.stderr


# ---- as a module


@pytest.fixture(scope="module")
def outer(tmp_path_factory) -> Path:
    """A workflow of somebody's with the project in a subfolder, as a Git submodule is."""
    folder = tmp_path_factory.mktemp("outer")
    clone(folder / "cnn tention")
    study = load(folder / "cnn tention/config.yaml", folder / "cnn tention/tiny.yaml")
    (folder / "config.yaml").write_text(yaml.safe_dump({"cnn": study, "own": 1}), encoding="utf-8")
    return folder


def use(folder: Path, statement: str, *lines: str) -> None:
    """Write the outer workflow."""
    text = f"""
        configfile: "config.yaml"
        shell.prefix("true; ")
        module cnn:
            snakefile: "cnn tention/Snakefile"
            config: config["cnn"]
            {" ".join(lines)}
        {statement}
        rule mine:
            input: "{"study/" if lines else ""}results/tables/table1.md"
            output: "mine.md"
            localrule: True
            shell: "cp {{input}} {{output}}"
    """
    (folder / "Snakefile").write_text(re.sub("^ {8}", "", text, flags=re.MULTILINE), encoding="utf-8")


@pytest.mark.parametrize("lines", [(), ('prefix: "study"',)], ids=["", "prefix"])
@pytest.mark.parametrize("renamed", ["", " as cnn_*"], ids=["", "renamed"])
def test_all_rules_are_planned_within_another_workflow(outer, renamed, lines):
    use(outer, f"use rule * from cnn{renamed}", *lines)
    done = snakemake(outer, "-n", "--", "cnn_all" if renamed else "all")
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^(?:cnn_)?(train|evaluate|table|figure|grid)\s+(\d+)$", done.stdout, re.MULTILINE))
    assert counts == {"train": "8", "evaluate": "8", "table": "5", "figure": "3", "grid": "1"}


@pytest.mark.parametrize("lines", [(), ('prefix: "study"',)], ids=["", "prefix"])
def test_a_module_makes_its_files_where_the_outer_workflow_wants_them(outer, lines):
    for path in ("results", "study", ".snakemake", "mine.md"):
        shutil.rmtree(outer / path, ignore_errors=True)
    (outer / "mine.md").unlink(missing_ok=True)
    use(outer, "use rule * from cnn as cnn_*", *lines)
    folder = outer / "study" if lines else outer
    data, run = (f"{folder}/results/data/digits.npz", f"{folder}/results/runs/digits/baseline/full/seed10/eval.json")
    terminal = make(outer, "mine.md", *(os.path.relpath(path, outer) for path in ((data, run) if lines else (data,))))
    assert "| Baseline" in (outer / "mine.md").read_text(encoding="utf-8")
    assert "Finished jobid" in terminal  # Snakemake's own lines, which the outer workflow may want
    names = {path.name for path in outer.iterdir()} - {".snakemake", "cnn tention", "config.yaml", "Snakefile"}
    assert names == {"mine.md", "study" if lines else "results"}
    assert (folder / "results/logs/table/table1.log").is_file()
