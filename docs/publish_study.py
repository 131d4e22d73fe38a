"""Copy a finished study's tables, figures, grids and numbers to docs/study/, and its tables into the documents.

Of each run its numbers come along, no weights and no predictions. ``provenance.json`` says what made them; its commit
is that by which Snakemake finds the results up to date, hence ``make study-docs`` runs the study first.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from cnntention.base import layout
from cnntention.study.config import load
from cnntention.study.study import Study
from docs.blocks import ROOT, fill

OVERLAY = "configs/short.yaml"
PUBLISHED = ROOT / "docs" / "study"
SUFFIXES = (".md", ".csv", ".png", ".svg", ".json")
"""Of the products; the others are the same once more."""


def copied(study: Study) -> dict[str, Path]:
    """Where each file comes from, by its place in the published folder."""
    products = [path for section in ("tables", "figures", "gradcam") for path in study.products(section)]
    files = [path for path in products if path.endswith(SUFFIXES)]
    files += [study.run_path(pattern, run) for run in study.runs() for pattern in (layout.EVAL, layout.HISTORY)]
    return {Path(path).relative_to(study.results).as_posix(): ROOT / path for path in files}


def provenance(study: Study) -> dict:
    """What made the numbers: config, commit, devices, precision, versions, epochs and hours of the trainings."""
    reports = [json.loads((ROOT / study.run_path(layout.EVAL, run)).read_text("utf-8")) for run in study.runs()]
    trainings = [report["training"] for report in reports]
    return {
        "config": OVERLAY,
        "commit": _git("rev-parse", "HEAD"),
        "trainings": len(trainings),
        "hours": round(sum(training["seconds"] for training in trainings) / 3600, 2),
        "seeds": study.config["seeds"],
        "epochs": {str(run): training["epochs"] for run, training in zip(study.runs(), trainings, strict=True)},
        **{key: sorted({training[key] for training in trainings}) for key in ("device", "precision")},
        "versions": _distinct(report["versions"]["training"] for report in reports),
        "data_sha256": {run.dataset: report["data_sha256"] for run, report in zip(study.runs(), reports, strict=True)},
    }


def described(made: dict) -> str:
    """What made the numbers, as a list for reading."""
    epochs: dict[str, set[int]] = {}
    for run, count in made["epochs"].items():
        epochs.setdefault(run.partition("/")[0], set()).add(count)
    versions = (", ".join(f"{name} {version}" for name, version in each.items()) for each in made["versions"])
    lines = [
        f"config: [{made['config']}](../../{made['config']}), with all defaults in [config.yaml](config.yaml)",
        f"commit: {made['commit']}",
        f"trainings: {made['trainings']}, {made['hours']} hours in all, one to two at a time",
        *(f"epochs on {dataset}: {', '.join(map(str, sorted(counts)))}" for dataset, counts in epochs.items()),
        f"seeds: {', '.join(map(str, made['seeds']))}",
        f"device: {', '.join(made['device'])}, in {', '.join(made['precision'])}",
        f"versions: {'; '.join(versions)}",
        *(f"data of {dataset}, prepared, SHA-256: {digest}" for dataset, digest in made["data_sha256"].items()),
    ]
    return "".join(f"- {line}\n" for line in lines)


def _distinct(versions: Iterable[dict]) -> list[dict]:
    return [json.loads(text) for text in sorted({json.dumps(each, sort_keys=True) for each in versions})]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    edited = _git("status", "--porcelain", "--", ".", ":!docs", ":!README.md")
    if edited:
        sys.exit(f"commit these first, since the published numbers name the commit that made them:\n{edited}")
    study = Study(load(ROOT / "config.yaml", ROOT / OVERLAY))
    files = copied(study)
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        sys.exit(f"not there yet; run snakemake --configfile {OVERLAY}:\n" + "\n".join(missing))
    for old in ("tables", "figures", "gradcam", "runs"):
        shutil.rmtree(PUBLISHED / old, ignore_errors=True)
    for place, path in files.items():
        (PUBLISHED / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, PUBLISHED / place)
    made = provenance(study)
    (PUBLISHED / "provenance.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    fill("provenance", described(made))
    config = yaml.safe_dump(study.config, sort_keys=False, width=120, allow_unicode=True)
    (PUBLISHED / "config.yaml").write_text(f"# config.yaml with {OVERLAY}, all defaults filled in\n{config}", "utf-8")
    for table in study.config["tables"]:
        fill(table, (PUBLISHED / f"tables/{table}.md").read_text("utf-8"))
    fill("table3 of the study", (PUBLISHED / "tables/table3.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
