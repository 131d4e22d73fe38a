"""Rule table: from evaluations to Markdown, CSV and LaTeX."""

import argparse
import json

from cnntention import results, tables
from cnntention.errors import reported
from cnntention.files import write_text

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=json.loads, required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--md", required=True)
parser.add_argument("--csv", required=True)
parser.add_argument("--tex", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        table = tables.build(args.spec, results.evaluations(args.results, args.spec))
        write_text(args.md, table.markdown())
        write_text(args.csv, table.csv())
        write_text(args.tex, table.latex())
