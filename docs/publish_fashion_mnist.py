"""Publish the study on Fashion-MNIST in docs/fashion-mnist/: its tables, its grid, and of each run the numbers.

python -m docs.publish_fashion_mnist [--results FOLDER]
"""

import argparse
import shutil
import sys
from pathlib import Path

from docs import publish_study
from docs.blocks import ROOT, fill

CONFIG = "configs/fashion-mnist.yaml"
PUBLISHED = ROOT / "docs" / "fashion-mnist"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "results/fashion-mnist", help="of the study")
    study = publish_study.read(parser.parse_args().results.resolve(), [CONFIG])
    missing = set(study.runs()) - set(publish_study.finished(study, study.runs()))
    if missing:
        sys.exit(
            f"not there yet, or of another config: {', '.join(map(str, missing))}; snakemake --configfile {CONFIG}"
        )
    for folder in ("tables", "gradcam", "runs"):
        shutil.rmtree(PUBLISHED / folder, ignore_errors=True)
    for run in study.runs():
        publish_study.write_run(study, run, PUBLISHED)
    publish_study.write_grids(study, PUBLISHED)
    for table in study.config["tables"]:
        publish_study.write_table(study, table, PUBLISHED)
        fill(f"{table} on Fashion-MNIST", (PUBLISHED / f"tables/{table}.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
