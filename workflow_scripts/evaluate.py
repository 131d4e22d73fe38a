"""Rule evaluate: from weights to numbers and predictions."""

import argparse
import dataclasses
import functools
from pathlib import Path

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.base.layout import DataFiles, Run
from cnntention.evaluation.evaluate import evaluate

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--run", type=Run.of, required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--card", type=Path, required=True)
parser.add_argument("--machine", type=functools.partial(specs.read, Machine), required=True)
parser.add_argument("--threads", type=int, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        report = evaluate(
            args.run.files(args.results),
            DataFiles(args.data, args.card),
            dataclasses.replace(args.machine, threads=args.threads),
        )
        print(f"{report['subset']} accuracy {report['accuracy']:.2f}% on {report['n']:,} images")
