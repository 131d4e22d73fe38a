"""What may stand on the command line."""

import argparse

from cnntention.data.split import JUDGED_BY

_FOLDERS = {"predict": "predictions", "export": "exported"}


def parser(description: str | None) -> argparse.ArgumentParser:
    """The parser of ``python -m cnntention``.

    Args:
        description: of the whole, which ``--help`` shows.
    """
    parser = argparse.ArgumentParser(
        prog="cnntention", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--configfile",
        action="append",
        default=[],
        metavar="FILE",
        help="an overlay over config.yaml, as for snakemake; may be given again",
    )
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    steps.add_parser("runs", help="list the runs of the study")
    steps.add_parser("watch", help="show how far each run has come, live on a terminal; Ctrl-C ends it")
    mlflow = steps.add_parser("mlflow", help="export the results to MLflow")
    mlflow.add_argument(
        "--tracking-uri", metavar="URI", help="default: MLFLOW_TRACKING_URI, or else mlflow.db in the results folder"
    )
    steps.add_parser("overview", help="sum up in one page what was run and what it shows")
    for step, name, text in (
        ("prepare", "dataset", "fetch, check and pack a dataset"),
        ("gradcam", "dataset", "draw the Grad-CAM grid of a dataset"),
        ("table", "table", "make a table from the runs that are evaluated"),
        ("figure", "figure", "plot a figure from the runs that are trained"),
        ("instrument", "instrument", "make an instrument's table and picture from the runs that are measured"),
    ):
        steps.add_parser(step, help=text).add_argument(name)
    difference = steps.add_parser("diff", help="say what two studies differ in, config and results, run by run")
    for side in ("A", "B"):
        difference.add_argument(
            side.lower(), metavar=side, help="a config (.yaml, over config.yaml) or a results folder"
        )
    check = steps.add_parser("check-block", help="say whether an attention block is fit for a study, in seconds")
    check.add_argument("block", metavar="NAME", help="as in a config: a name, FILE.py:CLASS or PACKAGE.MODULE:CLASS")
    check.add_argument("--options", metavar="YAML", default="{}", help="of the block, as in '{reduction: 8}'")
    for step, text in (
        ("predict", "say what a trained model takes pictures for, and show where it looks"),
        ("export", "write a trained model as ONNX, checked against torch, and as safetensors"),
    ):
        command = steps.add_parser(step, help=text)
        command.add_argument(
            "trained", metavar="MODEL", help="a run, as listed by runs, or a model.pt or .safetensors file"
        )
        command.add_argument("--output", metavar="FOLDER", help=f"default: {_FOLDERS[step]}", default=_FOLDERS[step])
        command.add_argument(
            "--image-size",
            type=_positive,
            metavar="PIXELS",
            help="of the model's images, where its file does not say it",
        )
        if step == "predict":
            command.add_argument("pictures", nargs="+", metavar="PICTURE", help="PNG, JPEG or WebP")
    for step, text in (
        ("train", "train a run"),
        ("import", "import a run whose weights come from elsewhere"),
        ("evaluate", "evaluate a run that is trained or imported"),
        ("measure", "apply an instrument to a run that is trained or imported"),
    ):
        command = steps.add_parser(step, help=text)
        if step == "measure":
            command.add_argument("instrument")
        command.add_argument("dataset")
        command.add_argument("model")
        command.add_argument(
            "--split", choices=tuple(JUDGED_BY), default="full", help="full: test set; tune: validation"
        )
        command.add_argument("--seed", type=_seed, help="default: the first of the config")
        command.add_argument("--threads", type=_positive, help="CPU threads; default: torch's choice")
    return parser


def _seed(text: str) -> int:
    if not 0 <= int(text) < 2**32:
        raise ValueError
    return int(text)


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)
