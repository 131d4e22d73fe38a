"""The Slurm profile, on a real Slurm: the study, the queue for a GPU, and jobs and a Snakemake that are cut off."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import slurm_cluster
from tiny_study import clone, edit_yaml, snakemake

pytestmark = pytest.mark.slurm

WAIT_S = 600
"""For what takes seconds on an idle machine."""
MODELS = ("baseline", "cbam-16")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    reason = slurm_cluster.unavailable()
    if reason:
        pytest.skip(reason)
    with slurm_cluster.running(tmp_path_factory.mktemp("slurm")) as running:
        yield running


def study(folder: Path, **changes) -> Path:
    """A copy of the project with a study of two models and one seed, which looks for a GPU as users' studies do."""

    def shrink(config: dict) -> None:
        config.update({"machine": {"deterministic": True}, "seeds": [10]} | changes)
        config["tables"] = {name: config["tables"][name] | {"models": list(MODELS)} for name in ("table1", "table3")}
        config["tables"]["only"] = list(config["tables"])
        for figure in ("figure8", "seeds"):
            config["figures"][figure]["models"] = list(MODELS)
        config["gradcam"]["digits"]["models"] = list(MODELS)

    clone(folder)
    edit_yaml(folder, shrink, "tiny.yaml")
    return folder


# The plugin looks away for ten more seconds each time that no job has ended.
SNAKEMAKE = """
from snakemake import cli
from snakemake_executor_plugin_slurm import Executor
Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)
cli.main()
"""


@contextlib.contextmanager
def submitted(folder: Path, *targets: str) -> Iterator[subprocess.Popen]:
    """Snakemake with the project's profile, as a user calls it, but that it looks at its jobs every second."""
    command = [sys.executable, "-c", SNAKEMAKE, "--workflow-profile", "profiles/slurm", "--configfile", "tiny.yaml"]
    command += ["--", *targets]
    environment = os.environ | {"PYTHONPATH": "", "MPLCONFIGDIR": str(folder / ".matplotlib")}
    with open(folder / "output.txt", "ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def assert_finishes(folder: Path, process: subprocess.Popen) -> None:
    assert process.wait(timeout=WAIT_S) == 0, (folder / "output.txt").read_text()[-6000:]


def wait_for(what: str, condition: Callable[[], object]) -> object:
    """The first true value of a condition."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(f"no {what} after {WAIT_S} s")


def moment(record: dict, name: str) -> datetime:
    return datetime.fromisoformat(record[name])


def state_file(folder: Path, run: str) -> Path:
    return folder / f"results/state/{run}.pt"


def hold_training(cluster: slurm_cluster.Cluster, run: str) -> str:
    """Halt a run's training, so that it has not ended before it is cut off; returns its job."""
    (job,) = (record["JobId"] for record in training_jobs(cluster, run) if record["JobState"] == "RUNNING")
    # Not by scancel, since "STOPPED" would stay the job's state for ever. Slurm lets a job go on before it ends it.
    for line in cluster.run("scontrol", "listpids", job).splitlines()[1:]:
        pid = int(line.split()[0])
        if b"train.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGSTOP)
    return job


def preempt(cluster: slurm_cluster.Cluster) -> None:
    """Let a more urgent job take the GPU for a second."""
    cluster.run("sbatch", "--partition=urgent", "--gpus=1", "--mem=100", "--output=/dev/null", "--wrap=sleep 1")


def training_jobs(cluster: slurm_cluster.Cluster, run: str) -> list[dict[str, str]]:
    """Slurm's record of a run's jobs, first attempt first."""
    return cluster.jobs(f"rule_train_wildcards_{run.replace('/', '_').replace('seed', '')}")


def assert_resumed(folder: Path, run: str, epochs: int) -> None:
    """The run went on from its state, and has all its epochs once."""
    log = (folder / f"results/logs/train/{run}.log").read_text()
    # "and step": it had the time to save its state when it was told to stop, and did not lose the epoch.
    assert re.search(r"^resuming   after epoch [1-9] and step \d+ of \d+$", log, flags=re.MULTILINE), log
    history = pd.read_csv(folder / f"results/runs/{run}/history.csv")
    assert history["epoch"].tolist() == list(range(1, epochs + 1))
    assert not state_file(folder, run).exists()


# ---- the study


@pytest.fixture(scope="module")
def studies(cluster, tmp_path_factory) -> tuple[Path, Path]:
    """The same study on Slurm and, as far as its tables need it, on this machine."""
    folder = tmp_path_factory.mktemp("studies")
    on_slurm, here = study(folder / "slurm"), study(folder / "here")
    with submitted(on_slurm) as process:
        done = snakemake(here, "--", "results/tables/table3.csv", "results/tables/table1.csv")
        assert_finishes(on_slurm, process)
    assert done.returncode == 0, done.stderr[-6000:]
    return on_slurm, here


def test_a_study_gives_the_same_tables_as_locally(studies):
    on_slurm, here = studies
    for table in ("table1", "table3"):
        expected, got = (pd.read_csv(folder / f"results/tables/{table}.csv") for folder in (here, on_slurm))
        durations = [column for column in expected if column == "hours"]
        pd.testing.assert_frame_equal(got.drop(columns=durations), expected.drop(columns=durations))
    for model in MODELS:
        path = f"results/runs/digits/{model}/full/seed10/history.csv"
        expected, got = (pd.read_csv(folder / path).drop(columns="seconds") for folder in (here, on_slurm))
        pd.testing.assert_frame_equal(got, expected)
    for product in ("tables/table3.html", "figures/figure8.svg", "gradcam/digits.png", "overview.html"):
        assert (on_slurm / "results" / product).is_file()


def jobs_of(cluster: slurm_cluster.Cluster, folder: Path, rule: str) -> list[dict[str, str]]:
    return [record for record in cluster.jobs(f"rule_{rule}") if record["WorkDir"] == str(folder)]


def test_two_trainings_share_one_gpu_in_turn(cluster, studies):
    trainings = jobs_of(cluster, studies[0], "train")
    first, second = sorted(trainings, key=lambda record: record["StartTime"])
    assert first["TresPerJob"] == second["TresPerJob"] == "gres:gpu:1"
    assert moment(second, "SubmitTime") < moment(first, "EndTime") <= moment(second, "StartTime")


def test_jobs_ask_for_what_the_profile_says(cluster, studies):
    for record in jobs_of(cluster, studies[0], "train"):
        assert (record["MinMemoryNode"], record["TimeLimit"]) == ("8000M", "02:00:00")
    others = jobs_of(cluster, studies[0], "evaluate") + jobs_of(cluster, studies[0], "grid")
    assert len(others) == 3
    for record in others:
        assert (record["MinMemoryNode"], record["TimeLimit"]) == ("4000M", "00:30:00")
        assert "TresPerJob" not in record


def test_data_tables_and_figures_are_made_on_the_login_node(cluster, studies):
    assert len(jobs_of(cluster, studies[0], "")) == 5


def test_slurms_logs_are_kept(studies):
    on_slurm, _ = studies
    logs = list((on_slurm / ".snakemake/slurm_logs").rglob("*.log"))
    assert {log.parts[-3] for log in logs} == {"rule_train", "rule_evaluate", "rule_grid"}
    assert len(logs) == 5


# ---- what is cut off


def test_jobs_that_are_cut_off_resume_and_finish(cluster, tmp_path):
    folder = study(tmp_path / "study", seeds=[11, 12, 13], epochs=4)
    runs = [f"digits/baseline/full/seed{seed}" for seed in (11, 12, 13)]
    untouched, incidents = list(runs), {}

    def begun() -> list[str]:
        return [run for run in untouched if state_file(folder, run).exists()]

    with submitted(folder, *(f"results/runs/{run}/model.pt" for run in runs)) as process:
        # One GPU: the next run trains when this one is cut off.
        for incident in ("cancelled", "preempted", "past its time limit"):
            (run, *_) = wait_for("training", begun)
            untouched.remove(run)
            incidents[incident] = run
            job = hold_training(cluster, run)
            match incident:
                case "cancelled":
                    cluster.run("scancel", job)
                case "preempted":
                    preempt(cluster)
                case "past its time limit":
                    # Slurm's limits are whole minutes; this is sooner.
                    cluster.run("scontrol", "update", f"JobId={job}", "EndTime=now")
        assert_finishes(folder, process)
    states = {incident: [job["JobState"] for job in training_jobs(cluster, run)] for incident, run in incidents.items()}
    assert states == {
        "cancelled": ["CANCELLED", "COMPLETED"],
        "preempted": ["FAILED", "COMPLETED"],  # the training ends by itself within the grace time
        "past its time limit": ["TIMEOUT", "COMPLETED"],
    }
    assert training_jobs(cluster, incidents["preempted"])[0]["PreemptTime"] != "None"
    for run in runs:
        assert_resumed(folder, run, epochs=4)
        again = training_jobs(cluster, run)[1]
        assert (again["MinMemoryNode"], again["TimeLimit"]) == ("16000M", "04:00:00")


def test_a_requeued_job_resumes_on_a_partition_of_its_own_by_gres(cluster, tmp_path):
    folder = study(tmp_path / "study", seeds=[15], epochs=4)
    run = "digits/baseline/full/seed15"
    profile = folder / "profiles/slurm/profile.yaml"
    text = profile.read_text()
    for commented, used in (
        ("# slurm_partition: my-gpu-partition", "slurm_partition: strict"),
        ("# gpu: 0", "gpu: 0"),
        ('# gres: "gpu:1"', 'gres: "gpu:1"'),
    ):
        assert text.count(commented) == 1
        text = text.replace(commented, used)
    profile.write_text(text)
    with submitted(folder, f"results/runs/{run}/model.pt") as process:
        wait_for("training", state_file(folder, run).exists)
        job = hold_training(cluster, run)
        preempt(cluster)
        wait_for("requeued job", lambda: training_jobs(cluster, run)[0]["JobState"] == "PENDING")
        # Slurm would wait for two minutes.
        cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")
        assert_finishes(folder, process)
    (record,) = training_jobs(cluster, run)
    assert (record["JobState"], record["Restarts"], record["Partition"]) == ("COMPLETED", "1", "strict")
    assert record["TresPerNode"] == "gres:gpu:1"
    assert_resumed(folder, run, epochs=4)


def test_a_killed_snakemake_is_started_again_as_the_readme_says(cluster, tmp_path):
    folder = study(tmp_path / "study", seeds=[14], epochs=4)
    run = "digits/baseline/full/seed14"
    target = f"results/runs/{run}/model.pt"
    with submitted(folder, target):
        wait_for("training", state_file(folder, run).exists)
        job = hold_training(cluster, run)
    # Leaving that killed Snakemake.
    assert [record["JobState"] for record in training_jobs(cluster, run)] == ["RUNNING"]

    (name,) = re.findall(r"^SLURM run ID: (\S+)", (folder / "output.txt").read_text(), flags=re.MULTILINE)
    cluster.run("scancel", "--name", name)
    wait_for("end of the job", lambda: "CANCELLED" in {record["JobState"] for record in training_jobs(cluster, run)})
    assert snakemake(folder, "--unlock").returncode == 0
    with submitted(folder, target) as process:
        assert_finishes(folder, process)
    assert [record["JobState"] for record in training_jobs(cluster, run)] == ["CANCELLED", "COMPLETED"]
    assert training_jobs(cluster, run)[0]["JobId"] == job
    assert_resumed(folder, run, epochs=4)
