"""Results into MLflow: one MLflow run for each run of the study, and one for its tables, figures and grids.

Exporting again changes nothing that is there already. What was made anew since then replaces its MLflow run, since
MLflow can neither take back an epoch's metric nor change a parameter; the old one goes into MLflow's trash.
"""

import contextlib
import dataclasses
import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cnntention.base import layout, specs
from cnntention.base.errors import DataError, TrackingError
from cnntention.base.files import sha256
from cnntention.reporting import runs
from cnntention.study.export import ExportSpec
from cnntention.training.specs import is_imported, is_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_TAG = "cnntention.run"  # which run of the study, or STUDY
CONTENT_TAG = "cnntention.content"  # digest of all that was exported
STUDY = "study"
BATCH = 1000  # metrics in one request, MLflow's limit
_TAGS = ("subset", "data_sha256")  # what an eval.json says in words


@dataclasses.dataclass(frozen=True)
class Exported:
    """The outcome of an export: names of runs, :data:`STUDY` among them.

    Attributes:
        uri: of the store.
        new: in MLflow for the first time.
        replaced: made anew since the last export.
        unchanged: there already.
        missing: not evaluated, or made by another config; nothing of them is exported.
        other: those of the missing that another config made. Tables, figures and grids may show them, and are not
            exported then.
    """

    uri: str
    new: list[str]
    replaced: list[str]
    unchanged: list[str]
    missing: list[str]
    other: list[str]

    def __str__(self) -> str:
        lines = [f"{self.uri}: {len(self.new)} new, {len(self.replaced)} replaced, {len(self.unchanged)} unchanged"]
        if self.missing:
            lines.append(
                f"left out, because not evaluated or made by another config: {len(self.missing)} runs, see "
                "python -m cnntention watch"
            )
        if self.other:
            lines.append(
                f"tables, figures and grids left out, because they may be of the config that made {len(self.other)} of "
                "these runs; run snakemake first"
            )
        if not self.uri.startswith("http"):
            lines.append(f"to look at it: mlflow ui --backend-store-uri {self.uri}")
        return "\n".join(lines)


def export(spec: ExportSpec, tracking_uri: str | None = None) -> Exported:
    """Put the evaluated runs and the products of a study into MLflow.

    Args:
        spec: what to look for.
        tracking_uri: default: ``MLFLOW_TRACKING_URI``, or else ``mlflow.db`` in the results folder.

    Raises:
        TrackingError: MLflow is not installed, its store cannot be used, or there is nothing to export.
        DataError: an ``eval.json`` is damaged.
    """
    results = Path(spec.results)
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{results.as_posix()}/mlflow.db"
    contents = {name: _content(results, name, expected) for name, expected in spec.runs.items()}
    found = {name: content for name, content in contents.items() if content}
    missing = [name for name in contents if name not in found]
    if not found:
        raise TrackingError(f"{results}: no run of this config is evaluated yet; run snakemake first")
    other = [name for name in missing if _made_by_another_config(results, name, spec.runs[name])]
    products = _products([Path(product) for product in spec.products])
    if products and not other:
        found[STUDY] = products
    done: dict[str, list[str]] = {"new": [], "replaced": [], "unchanged": []}
    with _store(uri) as client:
        experiment = _experiment(client, results, uri)
        for name, content in found.items():
            done[_put(client, experiment, name, content)].append(name)
    return Exported(uri, **done, missing=missing, other=other)


# ---- what there is to export


@dataclasses.dataclass(frozen=True)
class Content:
    """What is exported as one MLflow run.

    Attributes:
        params: of the run.
        tags: likewise.
        epochs: metrics of each epoch.
        metrics: after the last epoch.
        artifacts: files, each with its folder in MLflow.
        end: Unix time in seconds.
    """

    params: dict[str, str]
    tags: dict[str, str]
    epochs: list[dict[str, float]]
    metrics: dict[str, float]
    artifacts: list[tuple[Path, str]]
    end: float

    @property
    def digest(self) -> str:
        """Of everything but the time."""
        content = dataclasses.asdict(self) | {"end": None}
        content["artifacts"] = [[path.name, folder, sha256(path)] for path, folder in self.artifacts]
        return specs.digest(content)


def _content(results: Path, name: str, expected: str) -> Content | None:
    """A run of the study; None unless it is evaluated, and made by the config whose digest is expected."""
    paths = (pattern.replace(layout.NAME, name) for pattern in (layout.MODEL, layout.HISTORY, layout.EVAL))
    model, history, evaluation = (Path(path.format(results=results)) for path in paths)
    report = runs.if_whole(runs.evaluation, str(evaluation))
    if not (report and model.is_file() and is_of(expected, report["spec"])):
        return None
    spec, training = report["spec"], report["training"]
    imported = is_imported(spec)
    epochs = [] if imported else runs.if_whole(runs.history, str(history)) or []
    if not imported and not runs.of_one_training(epochs, training):
        return None
    how = ("imported",) if imported else ("device", "precision")
    files = [evaluation, model] if imported else [history, evaluation, model]
    try:
        return Content(
            params=_flat(spec),
            tags={key: str(spec[key]) for key in ("dataset", "model", "split", "seed")}
            | {"spec": expected}
            | {key: report[key] for key in _TAGS}
            | _flat({key: training[key] for key in how})
            | {f"version.{package}": version for package, version in report["versions"]["training"].items()},
            epochs=[
                {f"epoch/{key}": value for key, value in row.items() if key != "epoch" and value is not None}
                for row in epochs
            ],
            metrics=_metrics(report),
            artifacts=[(file, "") for file in files],
            end=files[0].stat().st_mtime,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{evaluation}: damaged ({error}); evaluate this run again") from None


def _made_by_another_config(results: Path, name: str, expected: str) -> bool:
    evaluation = layout.EVAL.replace(layout.NAME, name).format(results=results)
    report = runs.if_whole(runs.evaluation, evaluation)
    return report is not None and not is_of(expected, report["spec"])


def _products(products: list[Path]) -> Content | None:
    """The tables, figures and grids that are there; None without any."""
    files = [file for file in products if file.is_file()]
    if not files:
        return None
    end = max(file.stat().st_mtime for file in files)
    return Content({}, {}, [], {}, [(file, file.parent.name) for file in files], end)


def _flat(spec: dict, prefix: str = "") -> dict[str, str]:
    """A spec's values under dotted keys: texts as they are, everything else as JSON."""
    flat: dict[str, str] = {}
    for key, value in spec.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value)
    return flat


def _metrics(report: dict) -> dict[str, float]:
    """The numbers of an ``eval.json``; the part of a name before the slash is a group on MLflow's pages."""
    numbers = {key: value for key, value in report.items() if not isinstance(value, dict | list) and key not in _TAGS}
    values = {f"final/{key}": value for key, value in numbers.items()}
    values["final/seconds"] = report["training"]["seconds"]  # None where others trained it
    values |= {f"final_accuracy_per_class/{name}": value for name, value in report["accuracy_per_class"].items()}
    if report["attention"]:
        values["final_attention/accuracy_bypassed"] = report["attention"]["accuracy_bypassed"]
        for kind in ("gate", "share"):
            for stage, value in enumerate(report["attention"][f"{kind}s"], start=1):
                values[f"final_attention/{kind}_{stage}"] = value
    # MLflow refuses other characters in the name of a metric.
    return {re.sub(r"[^\w\-. :/]", "_", key): float(value) for key, value in values.items() if value is not None}


# ---- into MLflow


@contextlib.contextmanager
def _store(uri: str) -> Iterator["MlflowClient"]:
    """A client of the store at a tracking URI, which reports to nobody else."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # two lines a run
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's seven take minutes
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise TrackingError(f"MLflow cannot be imported ({error}); pip install '.[mlflow]'") from None
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # how it sets up a database interests nobody
    try:
        yield mlflow.MlflowClient(uri)
    except (MlflowException, SQLAlchemyError) as error:
        raise TrackingError(f"tracking URI {uri}: {str(error).strip().splitlines()[0][:300]}") from None


def _experiment(client: "MlflowClient", results: Path, uri: str) -> str:
    """The id of this study's experiment: ``MLFLOW_EXPERIMENT_NAME``, or one named after the results folder."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or f"cnntention {results.as_posix()}"
    there = client.get_experiment_by_name(name)
    if there:
        return there.experiment_id
    # A server has a place for artifacts; with a bare database MLflow would put them into the working directory.
    place = (results / "mlflow").resolve().as_uri() if re.match(r"(sqlite|postgresql|mysql|mssql)\b", uri) else None
    return client.create_experiment(name, artifact_location=place)


def _put(client: "MlflowClient", experiment: str, name: str, content: Content) -> str:
    """Export one run unless it is there; returns ``new``, ``replaced`` or ``unchanged``."""
    there = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{name}'")
    for run in there:
        if run.info.status == "FINISHED" and run.data.tags.get(CONTENT_TAG) == content.digest:
            return "unchanged"
    _create(client, experiment, name, content)
    for run in there:
        client.delete_run(run.info.run_id)
    return "replaced" if there else "new"


def _create(client: "MlflowClient", experiment: str, name: str, content: Content) -> None:
    """A new MLflow run, with the times of the training; its status is ``FINISHED`` only when all of it is there."""
    from mlflow.entities import Param

    start = content.end - sum(row["epoch/seconds"] for row in content.epochs)
    tags = content.tags | {RUN_TAG: name, CONTENT_TAG: content.digest}
    run = client.create_run(experiment, start_time=_milliseconds(start), tags=tags, run_name=name).info.run_id
    try:
        client.log_batch(run, params=[Param(key, value) for key, value in content.params.items()])
        metrics = list(_timed(content, start))
        for first in range(0, len(metrics), BATCH):
            client.log_batch(run, metrics=metrics[first : first + BATCH])
        for path, folder in content.artifacts:
            client.log_artifact(run, str(path), folder or None)
        client.set_terminated(run, "FINISHED", _milliseconds(content.end))
    except BaseException:
        with contextlib.suppress(Exception):  # the store may be gone; the next export replaces the run anyway
            client.delete_run(run)
        raise


def _timed(content: Content, start: float) -> Iterator:
    """All metrics: those of an epoch with the epoch as step, the final ones with step 0, which MLflow draws as bars."""
    from mlflow.entities import Metric

    time = start
    for step, row in enumerate(content.epochs, start=1):
        time += row["epoch/seconds"]
        yield from (Metric(key, value, _milliseconds(time), step) for key, value in row.items())
    for key, value in content.metrics.items():
        yield Metric(key, value, _milliseconds(content.end), 0)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
