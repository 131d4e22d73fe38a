"""The overview, first page of the report: what was run, on what, and what the comparisons show."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from cnntention.base.files import write_text
from cnntention.base.words import NONE, duration
from cnntention.reporting import pages
from cnntention.reporting.notes import imported
from cnntention.reporting.runs import NAMES
from cnntention.reporting.table import number
from cnntention.reporting.tables import accuracy
from cnntention.reporting.tables.accuracy import AccuracySpec


@dataclasses.dataclass(frozen=True)
class OverviewSpec:
    """What the overview depends on.

    Attributes:
        trainings: of the whole study.
        imported: networks of it that were trained elsewhere.
        datasets: their labels.
        models: likewise.
        seeds: of the study.
        tables: all tables of accuracy.
        instruments: captions of what is measured besides.
    """

    trainings: int
    imported: int
    datasets: tuple[str, ...]
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    tables: tuple[AccuracySpec, ...]
    instruments: tuple[str, ...] = ()


def make_overview(spec: OverviewSpec, results: str, path: str) -> None:
    """Write the overview of the runs that are evaluated.

    Raises:
        DataError: a file of a run is damaged.
    """
    write_text(path, build(spec, [accuracy.KIND.read(results, table) for table in spec.tables]))


def build(spec: OverviewSpec, evaluations: list[pd.DataFrame]) -> str:
    """The overview as an HTML page.

    Args:
        spec: of the overview.
        evaluations: of each of the spec's tables, see :func:`cnntention.reporting.runs.evaluations_in_detail`.
    """
    parts = [pages.heading("What was run, and on what"), pages.pairs(what_was_run(spec, evaluations))]
    compared = 0
    for table, runs in zip(spec.tables, evaluations, strict=True):
        shown = verdicts(table, runs)
        if not shown.empty:
            parts += [pages.heading(f"Verdicts: {table.caption}"), pages.table(shown)]
            compared += len(shown)
    if compared:
        parts.append(pages.paragraphs(_caveats(compared)))
    return pages.page("Overview", *parts)


def what_was_run(spec: OverviewSpec, evaluations: list[pd.DataFrame]) -> dict[str, str]:
    """What was run, from the spec, and on what, from the evaluated runs; for the arguments see :func:`build`."""
    own = [runs for runs in evaluations if not runs.empty]
    # A run that appears in several tables counts once.
    runs = pd.concat(own).drop_duplicates([*NAMES]) if own else pd.DataFrame()
    asked = {
        "Datasets": _listed(spec.datasets),
        "Models": _listed(spec.models),
        "Seeds": ", ".join(map(str, spec.seeds)),
        "Trainings": str(spec.trainings),
        **({"Trained elsewhere": f"{spec.imported} networks, imported"} if spec.imported else {}),
        "Evaluated": f"{len(runs)} runs, those of the tables" + ("; of these:" if len(runs) else ""),
    }
    if spec.instruments:
        evaluated = asked.pop("Evaluated")
        asked |= {"Instruments": _listed(spec.instruments), "Evaluated": evaluated}
    if runs.empty:
        return asked
    trained = runs[~imported(runs)]
    how = {
        "Epochs": ", ".join(f"{epochs:.0f}" for epochs in sorted(set(trained["epochs"]))),
        "Time of training": f"{duration(trained['seconds'].sum())} in all",
        "Devices": _listed(sorted(set(trained["device"]))),
        "Precision": _listed(sorted(set(trained["precision"]))),
    }
    versions = {"Versions": _listed(sorted({_versions(made["training"]) for made in runs["versions"]}))}
    return asked | ({} if trained.empty else how) | versions


def verdicts(spec: AccuracySpec, runs: pd.DataFrame) -> pd.DataFrame:
    """Each model of an accuracy table beside the table's reference: the difference, and in words what it shows.

    Args:
        spec: of the table.
        runs: see :func:`cnntention.reporting.runs.evaluations_in_detail`.

    Returns:
        Cells as text, one row a dataset and model; none without a reference.
    """
    if not spec.reference:
        return pd.DataFrame()
    table = accuracy.KIND.build(spec, runs)
    rows = table.data.to_dict("records")
    published = {(row["dataset"], row["model"]): row["published"] for row in rows}
    in_paper = [number(row["published"] - published[row["dataset"], spec.reference], "+.2f") for row in rows]
    delta = next(name for name in table.shown.columns if name.startswith("Δ"))
    shown = table.shown[[*table.shown.columns[:3], delta]].assign(
        **{
            "Paper's Δ": in_paper,
            "Shared seeds": [str(row["shared_seeds"]) for row in rows],
            "Verdict": list(table.shown["Verdict"]),
        }
    )
    shown = shown[table.data["model"] != spec.reference]
    return shown if set(shown["Paper's Δ"]) != {NONE} else shown.drop(columns="Paper's Δ")


def _listed(texts: Sequence[str]) -> str:
    return " · ".join(texts)  # labels may hold commas


def _versions(by_name: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in by_name.items())


def _caveats(compared: int) -> list[str]:
    return [
        "Δ: difference in percentage points, mean over the seeds that both models share, with its 95% interval "
        "(paired t). Better or worse: shown by a paired t-test whose p-value allows for all comparisons of its table "
        "(Holm). Inconclusive: not shown, which is no proof that there is no difference; so many seeds would show the "
        "paper's Δ with 80% power, or the Δ found here where the paper has none or so many are there already.",
        "The interval is about the spread between seeds on these images, and says nothing about other images. Of equal "
        f"models, at most one table in twenty has one that looks different by chance; this page makes {compared} "
        f"{'comparison' if compared == 1 else 'comparisons'}.",
    ]
