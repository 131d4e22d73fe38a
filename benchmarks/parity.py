"""Whether bf16 trains to the same accuracy as fp32: from the same seeds, on the same images in the same order.

  python -m benchmarks.parity digits --configfile configs/demo.yaml
  python -m benchmarks.parity cifar10 baseline --configfile configs/real-tiny.yaml --split tune --epochs 2

Adds its rows to ``benchmarks/results/parity.json``, and prints all: mean and standard deviation of the accuracy over
seeds, and the paired difference with its 95% interval.
"""

import argparse
import dataclasses
import json
import sys
import tempfile

import torch

from benchmarks.table import RESULTS, parity
from benchmarks.training import MODELS
from cnntention.base import device
from cnntention.base.layout import Run
from cnntention.data import dataset as datasets
from cnntention.data.prepare import prepare
from cnntention.reporting.statistics.seeds import paired_difference
from cnntention.study.config import load
from cnntention.study.study import Study
from cnntention.training.specs import RunSpec
from cnntention.training.train import finish
from cnntention.training.training import Training

FORMATS = ("fp32", "bf16")


def accuracy(spec: RunSpec, data: datasets.Dataset, target: torch.device) -> float:
    """Percent, after the last epoch, on validation images for split tune, on test images otherwise."""
    training = Training(spec, data, target)
    finish(training, log=lambda line: None)
    return 100 - training.rows[-1][f"{training.judged_by}_error"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--configfile", action="append", default=[])
    parser.add_argument("--split", choices=("full", "tune"), default="full")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    config = load("config.yaml", *args.configfile) | {"epochs": args.epochs}
    for dataset in config["datasets"].values():
        dataset.pop("epochs", None)
    study = Study(config)
    target = device.select(device.Machine(args.device, args.threads), log=lambda line: None)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = f"{folder}/data.npz", f"{folder}/card.json"
        prepare(study.data_spec(args.dataset), *paths, study.machine["downloads"], study.mirrors(args.dataset))
        held_out = study.config["datasets"][args.dataset]["validation_images"] if args.split == "tune" else 0
        data = datasets.load(*paths, held_out, target)
    images = len(data.parts["validation" if held_out else "test"])
    for model in args.models:
        by_format = {}
        for format in FORMATS:
            specs = [study.training_spec(Run(args.dataset, model, args.split, seed)) for seed in args.seeds]
            if specs[0].start:
                sys.exit(f"{model}: starts from another model's weights, which are not trained here")
            reached = [accuracy(dataclasses.replace(spec, precision=format), data, target) for spec in specs]
            by_format[format] = reached
            print(f"{model} {format}: {', '.join(f'{value:.2f}%' for value in reached)}", flush=True)
        difference, low, high = paired_difference(by_format["bf16"], by_format["fp32"])
        rows.append(
            {"device": device.describe(target), "dataset": args.dataset, "model": model, "split": args.split}
            | {"epochs": args.epochs, "images": images, "seeds": args.seeds}
            | by_format
            | {"difference": difference, "low": low, "high": high}
        )
    path = RESULTS / "parity.json"
    before = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    same = ("device", "dataset", "model", "split", "epochs")
    measured = {tuple(row[key] for key in same) for row in rows}
    kept = [row for row in before if tuple(row[key] for key in same) not in measured]
    path.write_text(json.dumps({"rows": kept + rows}, indent=2) + "\n", encoding="utf-8")
    print(parity())


if __name__ == "__main__":
    main()
