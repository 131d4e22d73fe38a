"""Rule mlflow: from the results to MLflow."""

import argparse
import functools

from cnntention.base import specs
from cnntention.base.errors import reported
from cnntention.study.export import ExportSpec
from cnntention.workflow.mlflow_export import export

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=functools.partial(specs.read, ExportSpec), required=True)

if __name__ == "__main__":
    args = parser.parse_args()
    with reported():
        print(export(args.spec))
