"""Rule prepare_data: from a source to one prepared file and its card."""

import argparse
import json

from cnntention.base.errors import reported
from cnntention.data.prepare import prepare

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=json.loads, required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--card", required=True)
parser.add_argument("--downloads", required=True)
parser.add_argument("--mirrors", nargs="*", default=[])

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        card = prepare(args.spec, args.data, args.card, args.downloads, args.mirrors)
        print(json.dumps(card, indent=2))
