"""Pictures, pages and what is printed do not hang on what the user's machine has set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from made import write_evaluation, write_history, write_predictions, write_weights

from cnntention.base import layout, specs
from cnntention.study.study import Study

HOSTILE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # of a notebook, whose package is not installed here
    "PYTHONIOENCODING": "ascii",
    "LC_ALL": "C",
    "COLUMNS": "20",
    "TZ": "Asia/Kathmandu",
}
MATPLOTLIBRC = """
backend: qtagg
figure.facecolor: black
font.size: 30
font.family: serif
axes.grid: False
axes.formatter.use_locale: True
lines.linewidth: 8
savefig.bbox: tight
svg.fonttype: path
text.usetex: True
"""
OVERLAY = {
    "seeds": [10, 11],
    "results": "results",
    "tables": {"only": ["table3"], "table3": {"datasets": ["mnist"], "models": ["baseline", "mha"]}},
    "figures": {"only": ["figure1"], "figure1": {"datasets": ["mnist"]}},
    "gradcam": {"only": []},
    "instruments": {"only": []},
}
PRODUCTS = ("tables/table3.md", "tables/table3.csv", "tables/table3.html", "figures/figure1.svg", "figures/figure1.png")


def made(folder: Path, environment: dict[str, str]) -> tuple[list[bytes], bytes]:
    """The products of a finished study in a folder, and all that is printed while they are made."""
    folder.mkdir(exist_ok=True)
    (folder / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY), encoding="utf-8")
    (folder / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["tables"] = {"table3": config["tables"]["table3"] | OVERLAY["tables"]["table3"]}
    study = Study(config | {"seeds": [10, 11], "figures": {}, "gradcam": {}, "instruments": {}})
    for run in study.runs():
        spec = specs.plain(study.run_spec(run))
        write_history(folder / "results", run, [30.0, 20.0, 10.0 + run.seed])
        write_weights(Path(run.path(layout.MODEL, str(folder / "results"))), spec)
        write_evaluation(folder / "results", run, spec, 90.0 + run.seed / 100)
        write_predictions(folder / "results", run, 3)
    printed = b""
    for step in (["table", "table3"], ["figure", "figure1"]):
        done = subprocess.run(
            [sys.executable, "-m", "cnntention", "--configfile", "overlay.yaml", *step],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        printed += done.stdout
    return [(folder / "results" / product).read_bytes() for product in PRODUCTS], printed


@pytest.fixture(scope="module")
def wanted(tmp_path_factory) -> tuple[list[bytes], bytes]:
    return made(tmp_path_factory.mktemp("neutral"), {})


def test_no_setting_of_the_users_machine_changes_what_comes_out(wanted, tmp_path):
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC, encoding="utf-8")
    products, printed = made(tmp_path, HOSTILE)
    assert "±" in printed.decode("utf-8")
    for product, found, expected in zip(PRODUCTS, products, wanted[0], strict=True):
        assert found == expected, product
    assert printed == wanted[1]
