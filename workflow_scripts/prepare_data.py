"""Rule prepare_data: from a source to one prepared file and its card."""

import argparse
import functools
import json

from cnntention.base import specs
from cnntention.base.errors import reported
from cnntention.data.prepare import prepare
from cnntention.data.specs import DataSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, DataSpec), required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--card", required=True)
parser.add_argument("--downloads", required=True)
parser.add_argument("--mirrors", nargs="*", default=[])

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        card = prepare(args.spec, args.data, args.card, args.downloads, args.mirrors)
        print(json.dumps(specs.plain(card), indent=2))
