"""Rule grid: from the models of a dataset to one grid of maps."""

import argparse
import json

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.reporting import grids
from cnntention.reporting.grid import GridSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", required=True)
parser.add_argument("--models", nargs="+", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--card", required=True)
parser.add_argument("--png", required=True)
parser.add_argument("--json", required=True)
parser.add_argument("--machine", type=json.loads, required=True)
parser.add_argument("--threads", type=int, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        machine = Machine(threads=args.threads, **args.machine)
        spec = specs.read(GridSpec, args.spec)
        grids.run(spec, args.models, args.data, args.card, args.png, args.json, machine)
