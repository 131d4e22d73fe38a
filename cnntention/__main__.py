"""Each step of the study outside Snakemake, from the same config into the same files: ``python -m cnntention --help``.

A step makes its own outputs and nothing else: prepare before train, train before evaluate, and so on. Snakemake does
all of it in order, and only what is needed.
"""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from cnntention.base import layout
from cnntention.base.errors import CheckError, CheckpointError, ConfigError, reported
from cnntention.base.layout import DataFiles, Run
from cnntention.study.config import base_config, load
from cnntention.study.study import Study
from cnntention.workflow.arguments import parser

if TYPE_CHECKING:
    from cnntention.base.device import Machine  # imports torch, which takes seconds that most steps need not spend
    from cnntention.training.checkpoint import Checkpoint


def main(arguments: list[str] | None = None) -> None:
    """Run one step; a user's mistake ends it with one message and exit code 1."""
    args = parser(__doc__).parse_args(arguments)
    with reported():
        if args.step in _WITHOUT_STUDY:
            _WITHOUT_STUDY[args.step](args)
        else:
            _STEPS[args.step](_study(args), args)


def _study(args: argparse.Namespace) -> Study:
    """The study of the config; names in the arguments have to be in it."""
    study = Study(load(base_config(), *args.configfile))
    for remark in study.remarks():
        print(f"note: {remark}", file=sys.stderr)
    for section in ("dataset", "model", "table", "figure", "instrument"):
        name = getattr(args, section, None)
        known = study.config["gradcam" if args.step == "gradcam" else f"{section}s"]
        if name is not None and name not in known:
            raise ConfigError(f"{section} '{name}' is not in the config; there are: {', '.join(known) or 'none'}")
    return study


def _list_runs(study: Study, args: argparse.Namespace) -> None:
    for run in study.trainings():
        print(run)


def _watch(study: Study, args: argparse.Namespace) -> None:
    from cnntention.workflow.watch import watch

    watch(study)


def _prepare(study: Study, args: argparse.Namespace) -> None:
    from cnntention.data.prepare import prepare

    files = DataFiles.of(args.dataset, study.results)
    mirrors = study.mirrors(args.dataset)
    prepare(study.data_spec(args.dataset), files.data, files.card, study.machine["downloads"], mirrors)
    print(files.card)


def _train(study: Study, args: argparse.Namespace) -> None:
    from cnntention.training.train import train

    run = _run(study, args)
    data = DataFiles.of(run.dataset, study.results)
    start = study.start(run)
    weights = start.files(study.results).model if start else None
    train(study.training_spec(run), run.files(study.results), data, _machine(study, args.threads), start=weights)


def _import(study: Study, args: argparse.Namespace) -> None:
    from cnntention.training.import_weights import import_weights

    run = _run(study, args)
    card = DataFiles.of(run.dataset, study.results).card
    import_weights(study.import_spec(run), run.files(study.results), card)


def _evaluate(study: Study, args: argparse.Namespace) -> None:
    from cnntention.evaluation.evaluate import evaluate

    run = _run(study, args)
    files = run.files(study.results)
    evaluate(files, DataFiles.of(run.dataset, study.results), _machine(study, args.threads))
    print(files.evaluation)


def _table(study: Study, args: argparse.Namespace) -> None:
    from cnntention.reporting.tables import make_table

    table = make_table(study.tables.spec(args.table), study.results, study.tables.stem(args.table))
    print(table.markdown())


def _overview(study: Study, args: argparse.Namespace) -> None:
    from cnntention.reporting.overview import make_overview

    path = study.path(layout.OVERVIEW)
    make_overview(study.overview_spec(), study.results, path)
    print(path)


def _figure(study: Study, args: argparse.Namespace) -> None:
    from cnntention.reporting.figures import plot_figure

    stem = study.figures.stem(args.figure)
    for path in plot_figure(study.figures.spec(args.figure), study.results, stem):
        print(path)


def _gradcam(study: Study, args: argparse.Namespace) -> None:
    from cnntention.reporting.draw_grid import draw_grid

    models = study.gradcam.files(args.dataset)
    data = DataFiles.of(args.dataset, study.results)
    grid = study.gradcam.stem(args.dataset)
    draw_grid(study.gradcam.spec(args.dataset), models, data, grid, _machine(study))
    print(grid + ".png")


def _measure(study: Study, args: argparse.Namespace) -> None:
    from cnntention.instruments.measure import measure

    run = _run(study, args)
    stem = study.run_path(layout.measurement(args.instrument), run)
    model, data = run.files(study.results).model, DataFiles.of(run.dataset, study.results)
    measure(study.instruments.measurement_spec(args.instrument), model, data, stem, _machine(study, args.threads))
    print(stem + ".json")


def _instrument(study: Study, args: argparse.Namespace) -> None:
    from cnntention.reporting.instruments import draw_picture, make_table

    stem = study.instruments.stem(args.instrument)
    spec = study.instruments.spec(args.instrument)
    print(make_table(spec, study.results, stem).markdown())
    if study.instruments.picture_code(args.instrument):
        for path in draw_picture(spec, study.results, stem):
            print(path)


def _mlflow(study: Study, args: argparse.Namespace) -> None:
    from cnntention.workflow.mlflow_export import export

    print(export(study.export_spec(), args.tracking_uri))


def _predict(args: argparse.Namespace) -> None:
    from cnntention.evaluation.prediction import predict
    from cnntention.reporting.draw_prediction import draw_prediction

    for number, prediction in enumerate(predict(_trained(args), args.pictures, args.trained)):
        name = Path(prediction.path).stem
        earlier = sum(Path(path).stem == name for path in args.pictures[:number])
        overlay = Path(args.output, f"{name}-{earlier + 1}.png" if earlier else f"{name}.png")
        draw_prediction(prediction, overlay)
        print(f"{prediction.path}: {prediction.class_name} {prediction.confidence:.1%}, {overlay}")


def _export(args: argparse.Namespace) -> None:
    from cnntention.workflow.model_export import export

    for line in export(_trained(args), args.output, args.trained):
        print(line)


def _check_block(args: argparse.Namespace) -> None:
    from cnntention.workflow.check_block import check_block, shown

    try:
        options = yaml.safe_load(args.options)
    except yaml.YAMLError:
        options = None
    if not isinstance(options, dict):
        raise ConfigError(f"--options: {args.options!r} is no map in YAML, such as '{{reduction: 8}}'")
    results = check_block(args.block, options)
    print(shown(results))
    if any(result.passed is False for result in results):
        raise CheckError(f"{args.block}: not every check is passed")


def _diff(args: argparse.Namespace) -> None:
    from cnntention.workflow.difference import compare

    print(compare(args.a, args.b, args.configfile))


def _trained(args: argparse.Namespace) -> "Checkpoint":
    from cnntention.workflow.trained import find

    trained = find(args.trained, lambda: _study(args))
    if not args.image_size:
        return trained
    size = (args.image_size, args.image_size)
    if trained.image_size is not None and trained.image_size != size:
        height, width = trained.image_size
        raise CheckpointError(f"--image-size: {args.trained} was trained on images of {height}x{width}; leave it out")
    return dataclasses.replace(trained, image_size=size)


def _run(study: Study, args: argparse.Namespace) -> Run:
    return Run(args.dataset, args.model, args.split, study.config["seeds"][0] if args.seed is None else args.seed)


def _machine(study: Study, threads: int | None = None) -> "Machine":
    from cnntention.base.device import Machine

    return Machine(threads=threads, **study.computing)


_STEPS = {
    "runs": _list_runs,
    "watch": _watch,
    "prepare": _prepare,
    "train": _train,
    "import": _import,
    "evaluate": _evaluate,
    "table": _table,
    "overview": _overview,
    "figure": _figure,
    "gradcam": _gradcam,
    "measure": _measure,
    "instrument": _instrument,
    "mlflow": _mlflow,
}

_WITHOUT_STUDY = {"predict": _predict, "export": _export, "diff": _diff, "check-block": _check_block}
"""Commands that need no config, or find out themselves whether they do."""


if __name__ == "__main__":
    main()
