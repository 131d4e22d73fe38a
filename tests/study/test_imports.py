"""Models whose weights come from elsewhere: what follows from their config, and what is refused."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, SMALL
from made import write_evaluation, write_weights

from cnntention.base import layout
from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.base.specs import plain
from cnntention.study.config import load
from cnntention.study.study import Study
from cnntention.training.import_weights import NOT_TRAINED
from cnntention.workflow import progress

RUN = Run("digits", "theirs", "full", 3)
WEIGHTS = {"path": "w.pth", "trained": "by others", "source": "https://example.org/w.pth", "rename": [["^a", "b"]]}
THEIRS = {"label": "Theirs", "color": "#000000", "depth": 8, "weights": {"digits": WEIGHTS}}
BOTH = {"datasets": ["digits"], "split": "full", "models": ["baseline", "theirs"]}
CLAIM = {"claim": "Theirs is better", "source": "nowhere", "measure": "accuracy", "dataset": "digits", "split": "full"}
CLAIM |= {"model": "theirs", "than": "baseline"}
TABLES = {
    "acc": {"kind": "accuracy", "caption": "Accuracy", "reference": "baseline", **BOTH},
    "claims": {"kind": "claims", "caption": "Claims", "claims": {"better": CLAIM}},
}


@pytest.fixture
def config(tmp_path, monkeypatch) -> dict:
    """Of a model that is trained here and one that is not, in a folder with a file of weights."""
    monkeypatch.chdir(tmp_path)
    Path("w.pth").touch()
    config = copy.deepcopy(SMALL | {"tables": TABLES})
    config["models"]["theirs"] = copy.deepcopy(THEIRS)
    return config


def test_an_import_depends_on_the_network_and_its_weights_and_on_no_training(config):
    before = Study(config).import_spec(RUN)
    assert (before.run, before.weights.path, before.weights.rename) == (RUN, "w.pth", (("^a", "b"),))
    config |= {"epochs": 7, "precision": "bf16"}
    config["datasets"]["digits"]["augmentation"] = {"flip": True}
    assert Study(config).import_spec(RUN) == before
    config["models"]["theirs"]["weights"]["digits"]["sha256"] = "0" * 64
    assert Study(config).import_spec(RUN) != before


def test_products_need_no_history_of_an_imported_network(config):
    study = Study(config)
    files = {name: set(study.tables.files(name)) for name in TABLES}
    assert study.run_path(layout.PREDICTIONS, RUN) in files["acc"] & files["claims"]
    assert study.run_path(layout.HISTORY, RUN) not in files["acc"] | files["claims"]
    assert study.run_path(layout.HISTORY, Run("digits", "baseline", "full", 3)) in files["acc"] & files["claims"]
    assert (study.overview_spec().trainings, study.overview_spec().imported) == (1, 1)


def test_a_claim_about_imported_networks_knows_no_schedule(config):
    config["models"]["baseline"] |= {"weights": {"digits": WEIGHTS}}
    del config["models"]["baseline"]["recipe"]
    (claim,) = Study(config).tables.spec("claims").claims
    assert (claim.trained, claim.schedule, claim.reservation) == (None, None, "")


def test_each_step_refuses_the_other_kind_of_run(config):
    study = Study(config)
    with pytest.raises(ConfigError, match=r"models\.theirs has weights from elsewhere"):
        study.training_spec(RUN)
    with pytest.raises(ConfigError, match=r"models\.baseline has a recipe"):
        study.import_spec(Run("digits", "baseline", "full", 3))


CURVES = {"title": "Curves", "curves": ["train_error"], "panels": "curve", **BOTH}
MODEL, ENTRY = "models/theirs", "models/theirs/weights/digits"
REFUSED = [
    (f"{MODEL}/recipe", "short", "models.theirs.weights: not possible beside a recipe; set recipe: null"),
    (f"{MODEL}/weights", None, "models.theirs: 'recipe' missing, or 'weights'"),
    (f"{MODEL}/weights", {}, "models.theirs.weights: at least 1 needed"),
    (f"{MODEL}/weights", {"digit": WEIGHTS}, "models.theirs.weights: unknown name 'digit'; did you mean 'digits'?"),
    (
        f"{ENTRY}/path",
        "v.pth",
        "models.theirs.weights.digits.path: v.pth: no such file; it is to be had from https://ex",
    ),
    (f"{ENTRY}/trained", None, "models.theirs.weights.digits: 'trained' missing"),
    (f"{ENTRY}/sha256", "abc", "models.theirs.weights.digits.sha256: 'abc' is not possible; a SHA-256 is 64 digits"),
    (f"{ENTRY}/rename", [["(", "a"]], "models.theirs.weights.digits.rename[0]: '(' is no regular expression"),
    (f"{ENTRY}/rename", [["a"]], "models.theirs.weights.digits.rename[0]: at least 2 needed"),
    ("seeds", [3, 4], "models.theirs.weights: a network each, so seeds must hold one, not 2"),
    ("datasets/more", SMALL["datasets"]["digits"] | {"label": "More"}, None),
    ("tables/acc/split", "tune", "tables.acc.split: models.theirs has weights from elsewhere, which may have seen"),
    (
        "tables/claims/claims/better/measure",
        "seconds",
        "tables.claims.claims.better.measure: models.theirs has weights",
    ),
    ("tables/how", {"kind": "recipes", "caption": "How", "models": ["theirs"]}, "tables.how.models: models.theirs has"),
    ("figures/curves", CURVES, "figures.curves.models: models.theirs has weights from elsewhere, and so no curves"),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), REFUSED, ids=[f"{path} {value}"[:60] for path, value, _ in REFUSED]
)
def test_what_cannot_be_meant_is_refused_by_key(config, path, value, expected):
    *parents, last = path.split("/")
    node = config
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
    if expected is None:
        Study(config)
        config["tables"]["acc"]["datasets"] = ["digits", "more"]
        expected = "tables.acc: models.theirs has weights for digits, and none for more"
    with pytest.raises(ConfigError) as caught:
        Study(config)
    assert re.search(rf"^  {re.escape(expected)}", str(caught.value), flags=re.MULTILINE), str(caught.value)


def test_a_run_is_imported_where_another_is_trained(config):
    Path("config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    jobs = re.findall(r"^Job \d+: (\w+ [\w/]+)", done.stdout + done.stderr, flags=re.MULTILINE)
    made = {job for job in jobs if job.startswith(("Train", "Import", "Evaluate"))}
    ours, theirs = "digits/baseline/full/seed3", "digits/theirs/full/seed3"
    assert made == {f"Train {ours}", f"Evaluate {ours}", f"Import {theirs}", f"Evaluate {theirs}"}, done.stderr


def test_the_example_of_the_docs_is_a_valid_overlay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/resnet20-12fca82f.th").touch()
    page = (ROOT / "docs/imports.md").read_text(encoding="utf-8")
    Path("mine.yaml").write_text(re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[1], encoding="utf-8")
    study = Study(load(ROOT / "config.yaml", "mine.yaml"))
    assert {run.model for run in study.runs()} == {"baseline", "resnet20-elsewhere"}
    assert study.imported_models() == ["resnet20-elsewhere"]


def test_watching_shows_how_far_an_import_has_come(config):
    study = Study(config)
    spec, results = plain(study.import_spec(RUN)), Path(study.results)
    training = NOT_TRAINED | {"imported": {"path": "w.pth"}}

    def state() -> tuple:
        (row,) = (row for row in progress.rows(study, now=0) if row.run == RUN)
        return row.state, row.error, row.epochs, row.note

    assert state() == (progress.WAITING, None, None, "")
    log = Path(study.path(layout.LOG, step="import_weights", of=RUN))
    log.parent.mkdir(parents=True)
    log.write_text("error: w.pth: damaged, or no file of torch\n", encoding="utf-8")
    assert state() == (progress.FAILED, None, None, "w.pth: damaged, or no file of torch")
    write_weights(Path(study.run_path(layout.MODEL, RUN)), spec, **training)
    assert state() == (progress.TRAINED, None, None, "")
    write_evaluation(results, RUN, spec, accuracy=90.0, training=training | {"imported": {"path": "of-before.pth"}})
    assert state()[0] == progress.TRAINED
    write_evaluation(results, RUN, spec, accuracy=90.0, training=training)
    assert state() == (progress.EVALUATED, 10.0, None, "")
    write_weights(Path(study.run_path(layout.MODEL, RUN)), spec | {"depth": 14}, **training)
    assert state()[0] == progress.STALE
