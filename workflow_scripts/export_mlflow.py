"""Rule mlflow: from the results to MLflow."""

import argparse
import json

from cnntention.base.errors import reported
from cnntention.workflow import mlflow_export

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=json.loads, required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        print(mlflow_export.export(args.spec))
