"""What Snakemake itself costs: planning a study of 1,000 runs, and finding that nothing is to be done.

The finished study is one of files of the real sizes without content, told to Snakemake as done (``--touch``).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from cnntention.base import layout
from cnntention.study.config import load
from cnntention.study.study import Study

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "cnntention", "envs", "profiles")
SIZES = {layout.DATA: 170_000_000, layout.MODEL: 1_150_000, layout.PREDICTIONS: 400_000}
"""Bytes; CIFAR-10's prepared data, a checkpoint, the probabilities of 10,000 images. Other files are small."""


def snakemake(folder: Path, *arguments: str) -> tuple[float, str]:
    """Seconds and output of a call that must succeed."""
    environment = os.environ | {"PYTHONPATH": ""}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"snakemake {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return time.perf_counter() - began, done.stdout + done.stderr


def finish(folder: Path, study: Study) -> None:
    """Put a file in the place of every product of a study, and tell Snakemake."""
    random = os.urandom(1_000_000)
    files = {study.path(pattern, dataset=name): pattern for name in study.config["datasets"]
             for pattern in (layout.DATA, layout.CARD)}  # fmt: skip
    for pattern in (layout.MODEL, layout.HISTORY, layout.EVAL, layout.PREDICTIONS):
        files |= {study.run_path(pattern, run): pattern for run in study.runs()}
    files |= dict.fromkeys([*study.export_spec().products, study.path(layout.OVERVIEW)], "")
    for name, pattern in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        size = SIZES.get(pattern, 5_000)
        path.write_bytes((random * (size // len(random) + 1))[:size])
    snakemake(folder, "--touch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000, help="at least this many, of the study that is planned")
    args = parser.parse_args()
    config = load(ROOT / "config.yaml")
    combinations = len(Study(config | {"seeds": [0]}).runs())
    seeds = list(range(-(-args.runs // combinations)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "study")
        folder.mkdir()
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        (folder / "large.yaml").write_text(yaml.safe_dump({"seeds": seeds}), encoding="utf-8")
        large, _ = snakemake(folder, "--dry-run", "--quiet", "all", "--configfile", "large.yaml")
        study = Study(config)
        planned, _ = snakemake(folder, "--dry-run", "--quiet", "all")
        finish(folder, study)
        nothing, output = snakemake(folder)
        if "Nothing to be done" not in output:
            sys.exit(f"the finished study was not taken for finished:\n{output[-3000:]}")
    result = {
        f"dry run of {len(seeds) * combinations:,} runs": large,
        f"dry run of the whole study, {len(study.runs())} runs": planned,
        f"rerun of the finished study, {len(study.runs())} runs": nothing,
    }
    for name, seconds in result.items():
        print(f"{name:<45} {seconds:5.1f} s")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
