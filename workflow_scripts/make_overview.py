"""Rule overview: from evaluations to the first page of the report."""

import argparse
import json

from cnntention.base.errors import reported
from cnntention.base.files import write_text
from cnntention.reporting import overview, results

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=json.loads, required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--page", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        evaluations = [results.evaluations(args.results, table) for table in args.spec["tables"]]
        write_text(args.page, overview.build(args.spec, evaluations))
