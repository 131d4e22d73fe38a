"""The study in its smallest form, in a working copy of the project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml
from conftest import ROOT

COMPARED = {"source": "nowhere", "dataset": "digits", "split": "full", "model": "cbam-16", "than": "baseline"}
SMALL = {"depth": 8}
# The study's own config with smallest runs: real digits at 8x8 pixels, one epoch, ResNet-8.
TINY = {
    "machine": {"device": "cpu"},
    "seeds": [10, 11],
    "epochs": 1,
    "datasets": {
        "cifar10": None,
        "mnist": None,
        "digits": {
            "label": "Digits",
            "source": "digits",
            "validation_images": 300,
            "augmentation": {"crop_padding": 1},
        },
    },
    "recipes": {"adam-residual": None},
    "models": {"cbam-8": None, "cbam-32": None, "selfatt-residual": None, "selfatt-no-residual": None}
    | {"baseline": SMALL, "mha": SMALL, "cbam-16": SMALL},
    "tables": {
        "only": ["table1", "table2", "table3", "attention", "promises"],
        "table1": {"models": ["baseline", "mha", "cbam-16"]},
        "table2": {"datasets": ["digits"], "models": ["cbam-16"]},
        "table3": {"datasets": ["digits"], "models": ["baseline", "mha", "cbam-16"]},
        "attention": {"datasets": ["digits"], "models": ["mha", "cbam-16"]},
        "promises": {
            "kind": "claims",
            "caption": "Promises",
            "claims": {
                "better": {"claim": "CBAM is better", "measure": "accuracy", **COMPARED},
                "faster": {"claim": "CBAM is faster", "measure": "early_error", "epochs": 1, **COMPARED},
            },
        },
    },
    "figures": {
        "only": ["figure1", "figure8", "seeds"],
        "figure1": {"datasets": ["digits"]},
        "figure8": {"datasets": ["digits"], "models": ["baseline", "mha", "cbam-16"]},
        "seeds": {"datasets": ["digits"], "models": ["baseline", "mha", "cbam-16"]},
    },
    "gradcam": {
        "only": ["digits"],
        "digits": {"split": "full", "models": ["baseline", "mha", "cbam-16"], "images": [0, 359]},
    },
    "instruments": {"only": []},
}
TRACKED = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "cnntention", "envs", "profiles", "report")


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run snakemake as a user does in a clone, with the Python of these tests."""
    environment = os.environ | {"PYTHONPATH": "", "MPLCONFIGDIR": str(folder / ".matplotlib")}
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def clone(folder: Path) -> Path:
    """A working copy of the project with the tiny overlay."""
    folder.mkdir()
    for name in TRACKED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return folder


def edit_yaml(folder: Path, change: Callable[[dict], None], file: str = "config.yaml") -> None:
    """Change a config in place."""
    config = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    change(config)
    (folder / file).write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
