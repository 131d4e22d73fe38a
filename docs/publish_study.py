"""Publish the study under one recipe in docs/study/ and at the top of the README, as far as it has run.

    python -m docs.publish_study [--results FOLDER ...] [--configfile FILE ...] [--seeds SEED ...]

Of every finished run its numbers, history and predictions are copied, so that nothing is lost with the machine, and
another one goes on with other seeds (see :mod:`docs.study_archive`): what was published before is taken back into the
results folder first. Tables, figures and instruments are made anew of the seeds that have all their runs; before there
is such a seed, the folder has the runs and a page that lists them. What takes weights that are not at hand, grids for
one, stays as it was published. The page is written from the published files alone, see :mod:`docs.study_page`.
"""

import argparse
import contextlib
import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from cnntention.base import layout, specs
from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError, DataError, reported
from cnntention.base.layout import DataFiles, Run
from cnntention.reporting import figures, instruments, runs, tables
from cnntention.reporting.draw_grid import draw_grid
from cnntention.reporting.instruments import pictures
from cnntention.reporting.instruments import results as measured
from cnntention.study.config import load
from cnntention.study.study import Study
from docs import conclusions_page, model_cards, second_opinion, study_page
from docs.blocks import ROOT, fill
from docs.replacing import replaced
from docs.study_archive import finished, keep, restore

PUBLISHED = ROOT / "docs" / "study"
CONFIG = "configs/controlled.yaml"
BESIDE = ("configs/search.yaml", "configs/epochs.yaml", "configs/recipes.yaml", "configs/schedule182.yaml")
"""Studies of which single tables and figures are published, in a folder of their name, as is their results folder."""
SUFFIXES = (".md", ".csv", ".json")
"""Of tables; the others are the same once more."""
CARDS = ("baseline", "selfatt", "mha", "cbam-16")
"""Models whose weights are published, of the first seed."""
NEED_WEIGHTS = ("gradcam/*", "models/*", "instruments/*.png")
"""What stays as it was published where the weights, or the arrays of measurements, are not at hand."""


def place(results: Iterable[Path], overlay: str) -> Path | None:
    """The results folder of an overlay's study, in the first folder that has it."""
    return next((of / Path(overlay).stem for of in results if (of / Path(overlay).stem).is_dir()), None)


def read(results: Path, overlays: Iterable[str], seeds: list[int] | None = None, **only: list[str]) -> Study:
    """A study of these overlays with its results in a folder; where told, of other seeds, or of some products alone:
    names by section.
    """
    config = load(ROOT / "config.yaml", *(ROOT / overlay for overlay in overlays))
    sections = {section: config[section] | {"only": names} for section, names in only.items()}
    return Study(config | sections | {"results": str(results), "seeds": seeds or config["seeds"]})


def whole_seeds(wanted: Iterable[Run], there: Iterable[Run]) -> list[int]:
    """The seeds that have all their runs."""
    lacking = {run.seed for run in set(wanted) - set(there)}
    return sorted({run.seed for run in wanted} - lacking)


def instruments_have_measured(study: Study, files: list[str], there: Iterable[Run]) -> bool:
    """Whether all measurements of finished runs among the files of a product are there; till then it is left out."""
    folder = Path(study.instruments.stem("any")).parent
    names = set(map(str, there))
    measurements = [Path(file) for file in files if Path(file).is_relative_to(folder)]
    return all(path.is_file() for path in measurements if "/".join(path.with_suffix("").parts[-4:]) in names)


# ---- what is published


def write_table_files(make: Callable[[str], None], stem: Path) -> None:
    """Those that are published of the files that ``make`` writes, given their path without suffix."""
    with tempfile.TemporaryDirectory() as made:
        make(f"{made}/{stem.name}")
        stem.parent.mkdir(parents=True, exist_ok=True)
        for suffix in SUFFIXES:
            shutil.copyfile(f"{made}/{stem.name}{suffix}", f"{stem}{suffix}")


def write_table(study: Study, name: str, folder: Path) -> None:
    """A table's files."""
    write_table_files(
        functools.partial(tables.make_table, study.tables.spec(name), study.results), folder / "tables" / name
    )


def write_config(study: Study, configs: Iterable[str], folder: Path) -> None:
    """The study's whole config, which names no folder of the machine that made it."""
    shown = study.config | {"results": f"results/{Path(study.results).name}"}
    config = yaml.safe_dump(shown, sort_keys=False, width=120, allow_unicode=True)
    heading = f"# config.yaml with {' and '.join(configs)}, all defaults filled in\n"
    (folder / "config.yaml").write_text(heading + config, encoding="utf-8")


def write_figure(study: Study, name: str, folder: Path) -> None:
    """A figure's files."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    figures.plot_figure(study.figures.spec(name), study.results, str(folder / f"figures/{name}"))


def write_second_opinion(study: Study, folder: Path) -> None:
    """The accuracy of the models on CIFAR-10's test images; nothing where some were never asked."""
    found = second_opinion.answers(study, "cifar10", study.config["tables"]["cifar10"]["models"])
    if found:
        labels = {name: model["label"] for name, model in study.config["models"].items()}
        made = second_opinion.table(found, labels)
        for suffix, text in zip(SUFFIXES, (made.markdown(), made.csv(), made.json()), strict=True):
            (folder / f"tables/{made.name}{suffix}").write_text(text, encoding="utf-8")


def write_grids(study: Study, folder: Path) -> None:
    """The Grad-CAM grids; without prepared images, or weights that were trained on these, there are none."""
    for dataset in study.config["gradcam"]:
        models = study.gradcam.files(dataset)
        data = DataFiles.of(dataset, study.results)
        if all(Path(path).is_file() for path in (*models, data.data, data.card)):
            (folder / "gradcam").mkdir(parents=True, exist_ok=True)
            stem = folder / f"gradcam/{dataset}"
            try:
                draw_grid(study.gradcam.spec(dataset), models, data, stem, specs.read(Machine, study.computing))
            except CheckpointError as error:
                print(f"no Grad-CAM grid of {dataset}: {error}", file=sys.stderr)


def write_instruments(study: Study, folder: Path) -> None:
    """The tables of all instruments that have measured something, and their pictures where the arrays are at hand."""
    for name in study.config["instruments"]:
        spec = study.instruments.spec(name)
        if measured.read(study.results, spec).numbers.empty:
            continue
        stem = folder / "instruments" / name
        write_table_files(functools.partial(instruments.make_table, spec, study.results), stem)
        if pictures.file(spec.instrument.kind):
            with tempfile.TemporaryDirectory() as made, contextlib.suppress(DataError):
                instruments.draw_picture(spec, study.results, f"{made}/{name}")
                shutil.copyfile(f"{made}/{name}.png", f"{stem}.png")


def write_claims(study: Study, folder: Path) -> None:
    """Every claim with its verdict, of all tables of claims that are there."""
    claims = []
    for table, stanza in study.config["tables"].items():
        path = folder / f"tables/{table}.json"
        if stanza["kind"] == "claims" and path.is_file():
            for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
                name = row.pop("claim")
                said = {key: stanza["claims"][name][key] for key in ("claim", "source")}
                claims.append({"table": table, "name": name} | said | row)
    (folder / "claims.json").write_text(json.dumps(claims, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def provenance(study: Study, seeds: list[int], published: list[Run], before: list[str]) -> dict:
    """What made the numbers: configs, commits, devices, precision, versions, epochs and hours of the trainings.

    Args:
        study: that is published.
        seeds: that are whole.
        published: all runs.
        before: commits that made those of them that were published before.
    """
    reports = {run: runs.evaluation(study.run_path(layout.EVAL, run)) for run in published}
    trainings = [report["training"] for report in reports.values()]
    commit = _git(study.results, "rev-parse", "HEAD")
    return {
        "config": CONFIG,
        "commits": [*(each for each in before if each != commit), commit],
        "seeds": seeds,
        "trainings": len(trainings),
        "hours": round(sum(training["seconds"] for training in trainings) / 3600, 2),
        "epochs": {str(run): report["training"]["epochs"] for run, report in reports.items()},
        **{key: sorted({training[key] for training in trainings}) for key in ("device", "precision")},
        "versions": _distinct(report["versions"]["training"] for report in reports.values()),
        "data_sha256": {run.dataset: report["data_sha256"] for run, report in reports.items()},
    }


def _distinct(versions: Iterable[dict]) -> list[dict]:
    return [json.loads(text) for text in sorted({json.dumps(each, sort_keys=True) for each in versions})]


def _git(folder: str, *arguments: str) -> str:
    """Of the checkout in which the results lie: its code has made them."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{folder}: not in a git checkout, which says by what code the results were made")
    return done.stdout.strip()


# ---- all of it


def publish(results: list[Path], overlays: list[str], folder: Path, seeds: list[int] | None = None) -> list[int]:
    """Write the folder.

    Args:
        results: where the studies' results folders lie. Runs that are in ``folder`` alone are copied into them.
        overlays: files under those of the studies, such as ``configs/cifar10-npz.yaml``.
        folder: is replaced as a whole, if there is something to publish.
        seeds: to publish, whole or not; None: those that have all their runs.

    Returns:
        The seeds that are published; without a finished run, the folder stays as it was.

    Raises:
        DataError: there is no run of the baseline with these seeds.
    """
    made_in = place(results, CONFIG)
    if not made_in:
        return []
    study = read(made_in, [*overlays, CONFIG])
    holds = restore(folder, study)
    there = finished(study, study.runs())
    seeds = seeds or whole_seeds(study.runs(), there)
    if not there:
        return []
    if seeds and not any(run.model == "baseline" and run.dataset == "cifar10" and run.seed in seeds for run in there):
        raise DataError(f"seeds: the baseline has no run of {', '.join(map(str, seeds))}, and all is told beside it")
    with replaced(folder) as made:
        shown = read(made_in, [*overlays, CONFIG], seeds)
        if seeds:
            write(shown, made)
        for run in there:
            keep(shown, run, made)
        for model in CARDS:
            model_cards.write(shown, Run("cifar10", model, "tune", shown.config["seeds"][0]), made / "models")
        for overlay in BESIDE:
            if other := place(results, overlay):
                beside(other, [*overlays, overlay], made / Path(overlay).stem)
        stay(folder, made, holds)
        before = json.loads((folder / "provenance.json").read_text(encoding="utf-8")) if holds else {}
        describe(shown, seeds, there, before.get("commits", []), made)
    return seeds


def write(study: Study, folder: Path) -> None:
    """Write what is made of the results of the seeds that are published into a folder that is there.

    Tables and figures of runs none of which is there are left out.
    """
    for section, write_one in ((study.tables, write_table), (study.figures, write_figure)):
        for name in section.stanzas:
            wanted = section.runs(name)
            there = finished(study, wanted)
            if (there or not wanted) and instruments_have_measured(study, section.files(name), there):
                write_one(study, name, folder)
    write_instruments(study, folder)
    write_second_opinion(study, folder)
    write_grids(study, folder)
    write_claims(study, folder)


def stay(before: Path, folder: Path, holds: bool) -> None:
    """Take from what was published before what could not be made anew: studies beside, and what needs weights.

    Args:
        before: the published folder.
        folder: that takes its place.
        holds: whether what was published before is of the same config.
    """
    for name in (Path(overlay).stem for overlay in BESIDE):
        if (before / name).is_dir() and not (folder / name).is_dir():
            shutil.copytree(before / name, folder / name)
    for path in (path for pattern in NEED_WEIGHTS if holds for path in before.glob(pattern)):
        target = folder / path.relative_to(before)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def describe(study: Study, seeds: list[int], there: list[Run], commits: list[str], folder: Path) -> None:
    """Write what made the numbers, and the pages, which are made of all the rest.

    Args:
        study: of the seeds that are published.
        seeds: these; empty: there are no tables.
        there: all finished runs, also of other seeds.
        commits: that made what was published before.
        folder: is there.
    """
    made = provenance(study, seeds, there, commits)
    (folder / "provenance.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    write_config(study, [CONFIG], folder)
    page = study_page.page(folder) if seeds else study_page.waiting(folder)
    (folder / "README.md").write_text(page, encoding="utf-8")
    if seeds:
        (folder / "conclusions.md").write_text(conclusions_page.page(folder, study_page.WHOSE), encoding="utf-8")


def beside(results: Path, overlays: list[str], folder: Path) -> None:
    """The tables and figures of a study that have a seed with all its runs, and these runs."""
    study = read(results, overlays)
    shown: dict[Run, None] = {}
    for section, write in ((study.tables, write_table), (study.figures, write_figure)):
        for name, stanza in section.stanzas.items():
            wanted = section.runs(name)
            there = finished(study, wanted)
            seeds = whole_seeds(wanted, there)
            if len(seeds) >= (2 if stanza["kind"] == "factorial" else 1):
                only = {each.key: [name] if each is section else [] for each in study.sections}
                write(read(results, overlays, seeds, **only), name, folder)
                shown |= dict.fromkeys(run for run in there if run.seed in seeds)
    for run in shown:
        keep(study, run, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--results", type=Path, nargs="+", default=[ROOT / "results"], help="where the studies' results folders lie"
    )
    parser.add_argument("--configfile", nargs="*", default=[], help="under the study's own: configs/cifar10-npz.yaml")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        help="to publish, also with runs missing; default: whole ones",
    )
    args = parser.parse_args()
    with reported():
        seeds = publish([of.resolve() for of in args.results], args.configfile, PUBLISHED, args.seeds)
    if not seeds:
        sys.exit(f"no seed has all its runs yet, only finished runs are kept; run snakemake --configfile {CONFIG}")
    fill("study", study_page.first_screen(PUBLISHED))
    print(f"published: seeds {', '.join(map(str, seeds))}")


if __name__ == "__main__":
    main()
