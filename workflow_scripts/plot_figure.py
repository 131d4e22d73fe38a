"""Rule figure: from histories to curves."""

import argparse
import json

from cnntention.base.errors import reported
from cnntention.reporting import results
from cnntention.reporting.figures import curves as figures
from cnntention.reporting.style import save

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=json.loads, required=True)
parser.add_argument("--results", required=True)
parser.add_argument("--pictures", nargs="+", required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        figure = figures.curves(args.spec, results.histories(args.results, args.spec))
        for path in args.pictures:
            save(figure, path, args.spec["style"]["dpi"])
