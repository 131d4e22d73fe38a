"""Publish a short study in the folder of its name under docs/: its tables, its grids, and of each run the numbers.

    python -m docs.publish_short_study NAME [--results FOLDER] [--configfile FILE ...]

Its config is ``configs/NAME.yaml``. The page in the folder is written by hand, but for the tables.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from docs.blocks import ROOT, fill
from docs.publish_study import read, write_grids, write_table
from docs.replacing import replaced
from docs.study_archive import finished, keep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the study: fashion-mnist, future-work")
    parser.add_argument("--results", type=Path, help="of the study; default: results/NAME")
    parser.add_argument("--configfile", nargs="*", default=[], help="under the study's own: configs/cifar10-npz.yaml")
    args = parser.parse_args()
    configs = [*args.configfile, f"configs/{args.name}.yaml"]
    study = read((args.results or ROOT / "results" / args.name).resolve(), configs)
    if missing := set(study.runs()) - set(finished(study, study.runs())):
        sys.exit(
            f"not there yet, or of another config: {', '.join(sorted(map(str, missing)))}; "
            f"snakemake --configfile {' '.join(configs)}"
        )
    published = ROOT / "docs" / args.name
    if not (published / "README.md").is_file():
        sys.exit(f"docs/{args.name}/README.md: not there; the page is written by hand, with a block for each table")
    with tempfile.TemporaryDirectory() as beside, replaced(published) as made:
        for run in study.runs():
            keep(study, run, Path(beside))
        write_grids(study, Path(beside))
        for table in study.config["tables"]:
            write_table(study, table, Path(beside))
        shutil.copytree(published, made, dirs_exist_ok=True)
        for part in Path(beside).iterdir():  # without weights or images there are no grids, and the old ones stay
            shutil.rmtree(made / part.name, ignore_errors=True)
            shutil.copytree(part, made / part.name)
    for table in study.config["tables"]:
        fill(f"{table} of {args.name}", (published / f"tables/{table}.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
