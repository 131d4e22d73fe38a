"""Rule train: one run, from prepared data to weights and history."""

import argparse
import functools
import json

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.training import loop
from cnntention.training.interruption import stop_with_parent
from cnntention.training.specs import RunSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, RunSpec), required=True)
parser.add_argument("--name", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--card", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--history", required=True)
parser.add_argument("--state", required=True)
parser.add_argument("--machine", type=json.loads, required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--parent", type=int, required=True, help="process id; training stops when it has ended")

if __name__ == "__main__":
    args = parser.parse_args()
    stop_with_parent(args.parent)
    with reported():
        loop.run(
            args.spec,
            args.name,
            args.data,
            args.card,
            args.model,
            args.history,
            args.state,
            Machine(threads=args.threads, **args.machine),
            functools.partial(print, flush=True),
            keep_state=True,
        )
