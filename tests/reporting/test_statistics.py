"""Statistics as a whole."""

import subprocess
import sys

from conftest import ROOT

IMPORT_ALL = """
import importlib, pkgutil, sys
from cnntention.reporting import statistics
for module in pkgutil.iter_modules(statistics.__path__):
    importlib.import_module(f"{statistics.__name__}.{module.name}")
print({name.partition(".")[0] for name in sys.modules} & {"scipy", "statsmodels"} or "none")
"""


def test_no_import_of_statistics_costs_a_dry_run_those_of_scipy():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
