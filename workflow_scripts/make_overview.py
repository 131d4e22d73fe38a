"""Rule overview: from evaluations to the first page of the report."""

import argparse
import functools

from cnntention.base import specs
from cnntention.base.errors import reported
from cnntention.reporting.overview import OverviewSpec, make_overview

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, OverviewSpec), required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--page", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        make_overview(args.spec, args.results, args.page)
