"""The export into a real MLflow store on SQLite."""

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT

from cnntention.__main__ import main
from cnntention.base import layout, specs
from cnntention.base.errors import DataError, TrackingError
from cnntention.base.layout import Run
from cnntention.study.study import Study
from cnntention.training import history
from cnntention.workflow import mlflow_export
from cnntention.workflow.mlflow_export import Exported, export

RUN = Run("cifar10", "mha", "full", 10)
OTHER = Run("cifar10", "cbam-16", "tune", 11)
EPOCHS = 182
ATTENTION = {"gates": [0.5, None, -0.25], "shares": [0.1, 0.2, None], "accuracy_bypassed": 10.0}


def store(file: str = "results/mlflow.db") -> str:
    """The URI of a database; absolute, since MLflow keeps one connection an address for all tests of this process."""
    return f"sqlite:///{Path(file).resolve()}"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> bytes | None:
    """A database as MLflow sets it up, which takes seconds; None without MLflow."""
    if not importlib.util.find_spec("mlflow"):
        return None
    file = tmp_path_factory.mktemp("mlflow") / "empty.db"
    client(f"sqlite:///{file}").search_experiments()
    return file.read_bytes()


@pytest.fixture
def study(config, tmp_path, monkeypatch, empty_store) -> Study:
    """A study in a folder with two evaluated runs, a table and a grid, and nothing else but empty stores."""
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    for file in ("results/mlflow.db", "environment.db", "address.db") if empty_store else ():
        Path(file).write_bytes(empty_store)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    study = Study(config | {"results": str(tmp_path / "results")})
    lay_out(study, RUN)
    lay_out(study, OTHER)
    for name in ("tables/table3.md", "gradcam/mnist.png"):
        Path("results", name).parent.mkdir(exist_ok=True)
        Path("results", name).write_text(f"content of {name}")
    return study


def lay_out(study: Study, run: Run, seconds: float = 2.0, weights: str = "weights", **report) -> None:
    """The files of an evaluated run: test error 100/n, each epoch in as many seconds."""
    part = "test" if run.split == "full" else "validation"
    rows = [
        {
            "epoch": n,
            "lr": 0.1,
            "train_loss": 2 / n,
            "train_error": 50 / n,
            f"{part}_loss": 1 / n,
            f"{part}_error": 100 / n,
            "seconds": seconds,
        }
        for n in range(1, EPOCHS + 1)
    ]
    report = {
        "spec": specs.plain(study.run_spec(run)),
        "subset": part,
        "n": 10_000,
        "accuracy": 91.25,
        "error": 8.75,
        "loss": 0.5,
        "accuracy_per_class": {"cat": 80.0, "dog's (2)": 70.0, "none": None},
        "confusion": [[1]],
        "parameters": 291_677,
        "multiply_adds": 41_000_000,
        "attention": ATTENTION if run.model == "mha" else None,
        "training": {"seconds": seconds * EPOCHS, "epochs": EPOCHS, "device": "NVIDIA H100", "precision": "bf16"},
        "data_sha256": "ab" * 32,
        "versions": {"training": {"torch": "2.15.0", "python": "3.11.7"}, "evaluation": {}},
    } | report
    folder = Path(study.run_path(layout.RUN, run))
    folder.mkdir(parents=True, exist_ok=True)
    history.write(folder / "history.csv", rows)
    (folder / "eval.json").write_text(json.dumps(report))
    (folder / "model.pt").write_text(weights)


def client(uri: str | None = None):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed: pip install '.[mlflow]'")
    return mlflow.MlflowClient(uri or store())


def exported(study: Study, uri: str | None = None) -> Exported:
    client()  # or skip
    return export(study.export_spec(), uri)


def found(uri: str | None = None, experiment: str | None = None) -> dict:
    """The active MLflow runs by name, of which there is one each."""
    name = experiment or f"cnntention {Path('results').resolve()}"
    there = client(uri).get_experiment_by_name(name)
    runs = client(uri).search_runs([there.experiment_id])
    by_name = {run.info.run_name: run for run in runs}
    assert len(by_name) == len(runs)
    return by_name


def everything() -> dict[str, list]:
    """All rows of all tables of the database, and the bytes of all artifacts."""
    with closing(sqlite3.connect("results/mlflow.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in names}
    files = [[str(path), path.read_bytes()] for path in sorted(Path("results/mlflow").rglob("*")) if path.is_file()]
    assert len(rows["runs"]) == 3
    assert len(files) == 8
    return rows | {"files": files}


# ---- what is exported


def test_each_evaluated_run_and_the_products_are_there_once(study):
    done = exported(study)
    assert (done.uri, done.new, done.replaced, done.unchanged) == (store(), [str(OTHER), str(RUN), "study"], [], [])
    assert len(done.missing) == 45 - 2
    assert set(found()) == {str(RUN), str(OTHER), "study"}
    assert {run.info.status for run in found().values()} == {"FINISHED"}


def test_the_spec_becomes_flat_parameters(study):
    exported(study)
    params = found()[str(RUN)].data.params
    assert params["recipe.lr"] == "0.0005"
    assert params["recipe.optimizer"] == "adam"
    assert params["recipe.milestones"] == "[91, 115]"
    assert params["recipe.early_stopping"] == "null"
    assert params["attention.options.heads"] == "8"
    assert json.loads(params["normalization.mean"]) == list(study.run_spec(RUN).normalization.mean)
    assert params["augmentation.flip"] == "true"
    assert (params["dataset"], params["seed"]) == ("cifar10", "10")


def test_every_epoch_is_a_step_of_every_metric(study):
    exported(study)
    run = found()[str(RUN)].info
    for key, of in (("train_error", 50), ("train_loss", 2), ("test_error", 100), ("test_loss", 1)):
        points = sorted(client().get_metric_history(run.run_id, f"epoch/{key}"), key=lambda point: point.step)
        assert [point.step for point in points] == list(range(1, EPOCHS + 1))
        assert [point.value for point in points] == [of / n for n in range(1, EPOCHS + 1)]
    metrics = {key.partition("/")[2] for key in found()[str(RUN)].data.metrics if key.startswith("epoch/")}
    assert metrics == {"lr", "seconds", "train_loss", "train_error", "test_loss", "test_error"}
    assert "epoch/validation_error" in found()[str(OTHER)].data.metrics


def test_the_times_are_those_of_the_training(study):
    end = 1_800_000_000
    os.utime(study.run_path(layout.HISTORY, RUN), (end, end))
    exported(study)
    info = found()[str(RUN)].info
    assert (info.start_time, info.end_time) == ((end - 2 * EPOCHS) * 1000, end * 1000)
    points = client().get_metric_history(info.run_id, "epoch/lr")
    assert {point.step: point.timestamp for point in points}[3] == info.start_time + 3 * 2000


def test_the_evaluation_becomes_final_metrics(study):
    exported(study)
    metrics = found()[str(RUN)].data.metrics
    expected = {
        "final/accuracy": 91.25,
        "final/error": 8.75,
        "final/loss": 0.5,
        "final/n": 10_000,
        "final/parameters": 291_677,
        "final/multiply_adds": 41_000_000,
        "final/seconds": 2 * EPOCHS,
        "final_accuracy_per_class/cat": 80,
        "final_accuracy_per_class/dog_s _2_": 70,
        "final_attention/gate_1": 0.5,
        "final_attention/gate_3": -0.25,
        "final_attention/share_1": 0.1,
        "final_attention/share_2": 0.2,
        "final_attention/accuracy_bypassed": 10,
    }
    assert {key: value for key, value in metrics.items() if key.startswith("final")} == expected
    points = client().get_metric_history(found()[str(RUN)].info.run_id, "final/accuracy")
    assert [point.step for point in points] == [0]
    assert not [key for key in found()[str(OTHER)].data.metrics if key.startswith("final_attention/")]


def test_tags_say_what_it_is_and_where_it_comes_from(study):
    exported(study)
    tags = found()[str(RUN)].data.tags
    expected = {
        "dataset": "cifar10",
        "model": "mha",
        "split": "full",
        "seed": "10",
        "spec": specs.digest(study.run_spec(RUN)),
        "subset": "test",
        "device": "NVIDIA H100",
        "precision": "bf16",
        "version.torch": "2.15.0",
        "version.python": "3.11.7",
        "data_sha256": "ab" * 32,
    }
    assert expected.items() <= tags.items()


def test_files_become_artifacts_as_they_are(study, tmp_path):
    exported(study)
    for name in ("model.pt", "history.csv", "eval.json"):
        copy = client().download_artifacts(found()[str(RUN)].info.run_id, name, str(tmp_path))
        assert Path(copy).read_bytes() == Path(study.run_path(layout.RUN, RUN), name).read_bytes()
    products = found()["study"].info.run_id
    names = [file.path for folder in ("tables", "gradcam") for file in client().list_artifacts(products, folder)]
    assert names == ["tables/table3.md", "gradcam/mnist.png"]


# ---- again


def test_a_second_export_changes_nothing(study):
    exported(study)
    before = everything()
    done = exported(study)
    assert (done.new, done.replaced, done.unchanged) == ([], [], [str(OTHER), str(RUN), "study"])
    assert everything() == before


def test_files_that_were_only_touched_change_nothing(study):
    exported(study)
    before = everything()
    for file in Path("results").rglob("*"):
        if "mlflow" not in str(file):
            os.utime(file, (1, 1))
    assert exported(study).replaced == []
    assert everything() == before


@pytest.mark.parametrize("change", [{"seconds": 3.0}, {"weights": "others"}, {"accuracy": 90.0}])
def test_a_run_made_anew_replaces_its_own_and_no_other(study, change):
    exported(study)
    before = found()
    lay_out(study, RUN, **change)
    done = exported(study)
    assert (done.new, done.replaced, done.unchanged) == ([], [str(RUN)], [str(OTHER), "study"])
    after = found()
    assert after[str(RUN)].info.run_id != before[str(RUN)].info.run_id
    assert after[str(OTHER)].info.run_id == before[str(OTHER)].info.run_id
    assert after[str(RUN)].data.metrics["epoch/seconds"] == change.get("seconds", 2.0)
    assert after[str(RUN)].data.metrics["final/accuracy"] == change.get("accuracy", 91.25)
    assert client().get_run(before[str(RUN)].info.run_id).info.lifecycle_stage == "deleted"


def test_a_changed_table_replaces_the_products(study):
    exported(study)
    Path("results/tables/table3.md").write_text("another")
    assert exported(study).replaced == ["study"]


def test_a_new_run_is_added(study):
    exported(study)
    lay_out(study, Run("mnist", "mha", "full", 12))
    done = exported(study)
    assert (done.new, len(done.unchanged)) == (["mnist/mha/full/seed12"], 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_export_that_stops_halfway_leaves_nothing_half(study, monkeypatch, error):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(type(client()), "log_artifact", fail)
        with pytest.raises(error if isinstance(error, type) else type(error)):
            export(study.export_spec())
        assert found() == {}
    assert len(exported(study).new) == 3
    assert len(found()) == 3


def test_what_a_killed_export_left_is_replaced(study):
    exported(study)
    whole = found()[str(RUN)]
    half = client().create_run(whole.info.experiment_id, tags=whole.data.tags, run_name=str(RUN)).info.run_id
    client().delete_run(whole.info.run_id)
    assert exported(study).replaced == [str(RUN)]
    assert found()[str(RUN)].info.run_id != half


# ---- what is left out


def test_a_run_of_another_config_is_left_out(study):
    lay_out(study, RUN, spec=specs.plain(study.run_spec(RUN)) | {"precision": "fp32"})
    outcome = exported(study)
    assert outcome.new == [str(OTHER)]
    assert "tables, figures and grids left out, because they may be of the config that made 1 of these runs" in str(
        outcome
    )
    study.config["recipes"]["adam-cbam"]["lr"] = 0.5
    with pytest.raises(TrackingError, match=r"/results: no run of this config is evaluated yet; run snakemake first"):
        export(study.export_spec())


@pytest.mark.parametrize("name", ["model.pt", "history.csv", "eval.json"])
def test_an_unfinished_run_is_left_out(study, name):
    Path(study.run_path(layout.RUN, RUN), name).unlink()
    assert str(RUN) in exported(study).missing


def test_a_run_trained_again_is_left_out_until_it_is_evaluated(study):
    report = Path(study.run_path(layout.EVAL, RUN)).read_text()
    lay_out(study, RUN, seconds=3.0)
    Path(study.run_path(layout.EVAL, RUN)).write_text(report)
    assert str(RUN) in exported(study).missing


def test_without_results_no_store_is_made(study):
    study.results = "elsewhere"
    with pytest.raises(TrackingError, match="elsewhere: no run of this config is evaluated yet"):
        export(study.export_spec())
    assert not Path("elsewhere").exists()


def test_a_number_that_is_new_in_evaluations_is_a_metric_too(study):
    lay_out(study, RUN, margin=0.75)
    exported(study)
    assert found()[str(RUN)].data.metrics["final/margin"] == 0.75


def test_a_damaged_evaluation_is_named(study):
    lay_out(study, RUN, accuracy="much")
    with pytest.raises(DataError, match=r"cifar10/mha/full/seed10/eval\.json: damaged .*; evaluate this run again"):
        export(study.export_spec())


# ---- which store


def test_an_address_goes_before_the_environment_and_that_before_the_default(study, monkeypatch):
    by_environment, by_address = store("environment.db"), store("address.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", by_environment)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ours")
    assert exported(study).uri == by_environment
    assert len(found(by_environment, "ours")) == 3
    assert exported(study, by_address).uri == by_address
    assert len(found(by_address, "ours")) == 3
    assert not client().get_experiment_by_name("ours")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert exported(study).uri == store()
    assert len(found(store(), "ours")) == 3


@pytest.mark.parametrize("uri", ["sqlite:///damaged.db", "ftp://localhost/", "http://127.0.0.1:1"])
def test_a_store_that_cannot_be_used_is_named(study, uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    Path("damaged.db").write_text("no database " * 1000)
    with pytest.raises(TrackingError, match=f"tracking URI {uri}: ."):
        exported(study, uri)


def test_a_missing_mlflow_is_one_message(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(TrackingError, match=r"MLflow cannot be imported .*; pip install '\.\[mlflow\]'"):
        export(study.export_spec())


# ---- the command


def test_the_command_says_what_it_did_and_how_to_look_at_it(study, capsys):
    client()
    Path("config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    Path("here.yaml").write_text(f"results: {study.results}")
    main(["--configfile", "here.yaml", "mlflow"])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"{store()}: 3 new, 0 replaced, 0 unchanged"
    assert "43 runs" in shown[1]
    assert shown[2] == f"to look at it: mlflow ui --backend-store-uri {store()}"
    main(["--configfile", "here.yaml", "mlflow", "--tracking-uri", store("address.db")])
    assert f"{store('address.db')}: 3 new" in capsys.readouterr().out


WITHOUT_NETWORK = """
import json, socket, sys, time
asked = []
def refuse(self, address, *_):
    asked.append(repr(address))
    raise OSError("no network here")
def resolve(*arguments, **_):
    asked.append(repr(arguments))
    raise socket.gaierror("no network here")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = resolve
from cnntention.base import specs
from cnntention.study.export import ExportSpec
from cnntention.workflow.mlflow_export import export
exported = export(specs.read(ExportSpec, sys.stdin.read()))
time.sleep(2)
print(json.dumps([len(exported.new), asked]))
"""


def test_nobody_is_told_of_it(study):
    """MLflow would send its makers what it is used for, from a thread of its own."""
    client()
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK],
        # without the variables by which MLflow would know that this is a test, and tell nobody for that reason
        env={"PATH": os.environ["PATH"], "HOME": str(Path.cwd()), "PYTHONPATH": str(ROOT)},
        input=specs.canonical(study.export_spec()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [3, []]
    assert done.stderr == ""


def test_the_export_rests_on_nothing_heavy():
    code = (
        "import sys, cnntention.workflow.mlflow_export as m; "
        "print({'torch', 'scipy', 'matplotlib', 'mlflow'} & set(sys.modules), m.STUDY)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"set() {mlflow_export.STUDY}"
