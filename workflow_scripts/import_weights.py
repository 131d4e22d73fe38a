"""Rule import_weights: one network that was trained elsewhere, from its file to a checkpoint."""

import argparse
import functools
from pathlib import Path

from cnntention.base import specs
from cnntention.base.errors import reported
from cnntention.training.import_weights import import_weights
from cnntention.training.specs import ImportSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, ImportSpec), required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--card", type=Path, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        import_weights(args.spec, args.spec.run.files(args.results), args.card)
