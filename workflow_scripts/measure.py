"""Rule measure: from weights and images to what an instrument says of them."""

import argparse
import dataclasses
import functools
from pathlib import Path

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.base.layout import DataFiles
from cnntention.instruments.measure import measure
from cnntention.instruments.specs import InstrumentSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, InstrumentSpec), required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--card", type=Path, required=True)
parser.add_argument("--stem", required=True)
parser.add_argument("--machine", type=functools.partial(specs.read, Machine), required=True)
parser.add_argument("--threads", type=int, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        machine = dataclasses.replace(args.machine, threads=args.threads)
        found = measure(args.spec, args.model, DataFiles(args.data, args.card), args.stem, machine)
        print(f"{args.spec.kind}: {len(found.numbers)} numbers")
