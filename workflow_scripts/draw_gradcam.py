"""Rule grid: from the models of a dataset to one grid of maps."""

import argparse
import dataclasses
import functools
from pathlib import Path

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.base.layout import DataFiles
from cnntention.reporting.draw_grid import draw_grid
from cnntention.reporting.grid import GridSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, GridSpec), required=True)
parser.add_argument("--models", nargs="+", required=True)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--card", type=Path, required=True)
parser.add_argument("--stem", required=True)
parser.add_argument("--machine", type=functools.partial(specs.read, Machine), required=True)
parser.add_argument("--threads", type=int, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        machine = dataclasses.replace(args.machine, threads=args.threads)
        draw_grid(args.spec, args.models, DataFiles(args.data, args.card), args.stem, machine)
