"""Rule evaluate: from weights to numbers and predictions."""

import argparse
import json

from cnntention.base.device import Machine
from cnntention.base.errors import reported
from cnntention.evaluation.evaluate import evaluate

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--card", required=True)
parser.add_argument("--eval", required=True)
parser.add_argument("--predictions", required=True)
parser.add_argument("--machine", type=json.loads, required=True)
parser.add_argument("--threads", type=int, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        machine = Machine(threads=args.threads, **args.machine)
        report = evaluate(args.model, args.data, args.card, args.eval, args.predictions, machine)
        print(f"{report['subset']} accuracy {report['accuracy']:.2f}% on {report['n']:,} images")
