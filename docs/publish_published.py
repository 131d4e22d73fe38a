"""Publish what the pipeline finds in the paper's own networks, in docs/published/ and at the top of the README.

    python -m docs.publish_published [--results FOLDER] [--configfile FILE ...]

Tables are made anew of the finished runs, those of instruments as far as they have measured; grids are copied. Of each
run its numbers come along, never its weights. The page is written from the published files alone, see
:mod:`docs.published_page`.
"""

import argparse
import json
import shutil
from pathlib import Path

from cnntention.base import layout
from cnntention.reporting import runs
from cnntention.study.study import Study
from docs import conclusions_page, published_page
from docs.blocks import ROOT, fill
from docs.publish_study import instruments_have_measured, read, write_config, write_instruments, write_table
from docs.replacing import replaced
from docs.study_archive import finished

PUBLISHED = ROOT / "docs" / "published"
CONFIG = "configs/published.yaml"


def publish(study: Study, configs: list[str], published: Path) -> None:
    """Write the folder.

    Args:
        study: all of whose runs are evaluated.
        configs: that it was made by.
        published: the folder, which is replaced as a whole.
    """
    there, wanted = finished(study, study.runs()), study.runs()
    if lacking := sorted(str(run) for run in set(wanted) - set(there)):
        raise SystemExit(f"not evaluated yet, run snakemake --configfile {' '.join(configs)}: {', '.join(lacking)}")
    if lacking := [path for path in study.gradcam.products() if not Path(path).is_file()]:
        raise SystemExit(f"not drawn yet, run snakemake --configfile {' '.join(configs)}: {', '.join(lacking)}")
    with replaced(published) as folder:
        for name in study.config["tables"]:
            if instruments_have_measured(study, study.tables.files(name), there):
                write_table(study, name, folder)
        for run in wanted:
            _copy(study, study.run_path(layout.EVAL, run), folder)
        for dataset in study.config["gradcam"]:
            for suffix in study.gradcam.suffixes(dataset):
                _copy(study, study.gradcam.stem(dataset) + suffix, folder)
        write_instruments(study, folder)
        reports = [runs.evaluation(study.run_path(layout.EVAL, run)) for run in wanted]
        made = {
            "configs": configs,
            "networks": {str(run): report["training"]["imported"] for run, report in zip(wanted, reports, strict=True)},
            "versions": reports[0]["versions"]["evaluation"],
            "data_sha256": {run.dataset: report["data_sha256"] for run, report in zip(wanted, reports, strict=True)},
        }
        (folder / "provenance.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        write_config(study, configs, folder)
        (folder / "README.md").write_text(published_page.page(folder), encoding="utf-8")
        conclusions = conclusions_page.page(folder, published_page.WHOSE)
        (folder / "conclusions.md").write_text(conclusions, encoding="utf-8")


def _copy(study: Study, path: str, folder: Path) -> None:
    target = folder / Path(path).relative_to(study.results)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "results/published", help="of the study")
    parser.add_argument("--configfile", nargs="*", default=[], help="under the study's own: configs/cifar10-npz.yaml")
    args = parser.parse_args()
    configs = [*args.configfile, CONFIG]
    publish(read(args.results.resolve(), configs), configs, PUBLISHED)
    fill("published", published_page.first_screen(PUBLISHED))


if __name__ == "__main__":
    main()
