"""Rule instrument_table: from measurements to Markdown, CSV, LaTeX, HTML and JSON."""

import argparse
import functools

from cnntention.base import specs
from cnntention.base.errors import reported
from cnntention.reporting.instruments import make_table
from cnntention.reporting.instruments.spec import StanzaSpec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, StanzaSpec), required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--stem", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        make_table(args.spec, args.results, args.stem)
