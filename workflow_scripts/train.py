"""Rule train: one run, from prepared data to weights and history."""

import argparse
import dataclasses
import functools
from pathlib import Path

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.base.layout import DataFiles
from cnntention.training.interruption import stop_with_parent
from cnntention.training.specs import RunSpec
from cnntention.training.train import train

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, RunSpec), required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--card", type=Path, required=True)
parser.add_argument("--machine", type=functools.partial(specs.read, Machine), required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--parent", type=int, required=True, help="process id; training stops when it has ended")

if __name__ == "__main__":
    args = parser.parse_args()
    stop_with_parent(args.parent)
    start = args.spec.start_run
    with reported():
        train(
            args.spec,
            args.spec.run.files(args.results),
            DataFiles(args.data, args.card),
            dataclasses.replace(args.machine, threads=args.threads),
            functools.partial(print, flush=True),
            keep_state=True,
            start=start.files(args.results).model if start else None,
        )
