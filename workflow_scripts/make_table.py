"""Rule table: from evaluations to Markdown, CSV, LaTeX and HTML."""

import argparse
import json

from cnntention.base.errors import reported
from cnntention.reporting import results, tables

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=json.loads, required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--stem", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        tables.build(args.spec, results.evaluations(args.results, args.spec)).write(args.stem)
