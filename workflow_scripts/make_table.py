"""Rule table: from evaluations to Markdown, CSV, LaTeX, HTML and JSON."""

import argparse

from cnntention.base.errors import reported
from cnntention.reporting.tables import make_table, read_spec

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=read_spec, required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--stem", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        make_table(args.spec, args.results, args.stem)
