"""What of a study is published while it runs: whole seeds in the tables, every finished run in a safe place."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT
from torch import randn

from cnntention.base import layout
from cnntention.base.errors import DataError
from cnntention.base.layout import Run
from cnntention.base.specs import plain
from cnntention.data.card import Card
from cnntention.network.resnet import ResNet
from cnntention.reporting import runs
from cnntention.reporting.statistics.crossed import crossed_difference
from cnntention.reporting.tables import make_table
from cnntention.study.config import load
from cnntention.study.study import Study
from cnntention.training import checkpoint, history, portable
from docs import model_cards, publish_study, second_opinion, study_page
from docs.blocks import shown

IMAGES = 200
GAIN = {"selfatt": 0.1, "cbam-16": -0.1}
"""How much more often a model is right than the baseline."""


def finish(study: Study, run: Run) -> None:
    """What a training and its evaluation leave, but for the weights."""
    rng = np.random.default_rng([run.seed, len(run.model)])
    labels = np.arange(IMAGES) % 10
    right = rng.random(IMAGES) < 0.8 + GAIN.get(run.model, 0)
    predictions = np.where(right, labels, (labels + 1) % 10)
    spec = study.run_spec(run)
    files = run.files(study.results)
    files.history.parent.mkdir(parents=True)
    judged = "validation" if run.split == "tune" else "test"
    rows = [
        {"epoch": epoch, "lr": 0.1, "train_loss": 1.0, "train_error": 50.0 / epoch, "seconds": 2.0}
        | {f"{judged}_loss": 2.0, f"{judged}_error": 60.0 / epoch}
        for epoch in range(1, 21)
    ]
    history.write(files.history, rows)
    uses = {"gates": [0.5, None, 1.0], "accuracy_bypassed": 50.0, "shares": [0.1, 0.2, 0.3]}
    report = {
        "spec": plain(spec),
        "accuracy": 100 * right.mean(),
        "n": IMAGES,
        "parameters": 270_000 + len(run.model),
        "multiply_adds": 40_000_000,
        "confusion": [[0] * 10] * 10,
        "attention": uses if spec.attention else None,
        "training": {"seconds": 40.0, "epochs": 20, "device": "CPU", "precision": "fp32"},
        "data_sha256": "0" * 64,
        "versions": {"training": {"torch": "2.15.0"}, "evaluation": {"torch": "2.15.0"}},
    }
    files.evaluation.write_text(json.dumps(report), encoding="utf-8")
    images, of_class = {"train": 50_000, "test": 10_000}, {"train": (5000,) * 10, "test": (1000,) * 10}
    card = Card("made up", (32, 32, 3), tuple("0123456789"), images, of_class, (0.5,) * 3, (0.25,) * 3, "0" * 64)
    card.write(study.run_path(layout.CARD, run))
    probabilities = np.eye(10, dtype=np.float32)[predictions] * 0.98765
    np.savez_compressed(
        files.predictions, labels=labels, predictions=predictions.astype(np.int64), probabilities=probabilities
    )


def checkout(folder: Path) -> Study:
    """A repository with one commit, and the study in it."""
    author = ["-c", "user.name=x", "-c", "user.email=x"]
    for command in (["init", "-q"], [*author, "commit", "-qm", folder.name, "--allow-empty"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return publish_study.read(folder / "results/controlled", [publish_study.CONFIG])


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The folder of a study with two whole seeds, and one that lacks a run."""
    machine = tmp_path_factory.mktemp("machine")
    study = checkout(machine)
    for run in study.runs():
        if run.seed in (10, 11, 12) and (run.model, run.seed) != ("mha", 12):
            finish(study, run)
    folder = machine / "published"
    assert publish_study.publish([machine / "other", machine / "results"], [], folder) == [10, 11]
    return folder


def test_tables_are_of_whole_seeds(published):
    rows = json.loads((published / "tables/cifar10.json").read_text())["rows"]
    assert {row["seeds"] for row in rows} == {2}
    assert not (published / "tables/cost.md").exists(), "no instrument has measured anything"
    assert yaml.safe_load((published / "config.yaml").read_text())["seeds"] == [10, 11]


def tables_made_again(folder: Path, to: Path) -> None:
    """Compare each table with one that is made of the published runs alone."""
    seeds = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["seeds"]
    config = load(ROOT / "config.yaml", ROOT / publish_study.CONFIG)
    study = Study(config | {"results": str(folder), "seeds": seeds})
    for name in (name for name in study.config["tables"] if (folder / f"tables/{name}.md").exists()):
        make_table(study.tables.spec(name), study.results, f"{to}/{name}")
        made, there = ((of / f"{name}.md").read_text(encoding="utf-8") for of in (to, folder / "tables"))
        assert made == there, name


def test_tables_can_be_made_again_from_what_is_published(published, tmp_path):
    tables_made_again(published, tmp_path)


def test_every_finished_run_is_kept(published):
    kept = sorted((published / "runs").rglob("eval.json"))
    assert len(kept) == 2 * 13 + 11
    assert json.loads((published / "provenance.json").read_text())["trainings"] == len(kept)
    for path in kept:
        labels = np.arange(IMAGES) % 10
        with np.load(path.with_name("predictions.npz")) as content:
            assert (content["labels"] == labels).all()
            right = content["predictions"] == content["labels"]
            assert np.abs(content["probabilities"].max(1) - 0.988).max() < 1e-3
        assert 100 * right.mean() == pytest.approx(json.loads(path.read_text())["accuracy"])
        assert (runs.right(path.with_name("predictions.npz")) == right).all()


def test_no_file_names_the_folder_in_which_the_results_lie(published):
    for path in published.rglob("*"):
        assert path.is_dir() or str(published.parent).encode() not in path.read_bytes(), path


def test_another_machine_goes_on_from_what_is_published(published, tmp_path):
    """It has no runs of its own but those that were missing."""
    folder = tmp_path / "published"
    shutil.copytree(published, folder)
    for kept in ("gradcam/cifar10.png", "models/baseline.md", "search/tables/search.md"):
        (folder / kept).parent.mkdir(parents=True, exist_ok=True)
        (folder / kept).write_text("made with weights", encoding="utf-8")
    study = checkout(tmp_path)
    for run in (Run("cifar10", "mha", "tune", 12), Run("mnist", "mha", "full", 12)):
        finish(study, run)
    assert publish_study.publish([tmp_path / "results"], [], folder) == [10, 11, 12]
    rows = json.loads((folder / "tables/cifar10.json").read_text())["rows"]
    assert {row["seeds"] for row in rows} == {3}
    assert len(set(json.loads((folder / "provenance.json").read_text())["commits"])) == 2
    assert (folder / "gradcam/cifar10.png").read_text() == "made with weights"
    assert "made with weights" in (folder / "README.md").read_text()
    assert (folder / "runs/cifar10/mha/tune/seed12/predictions.npz").is_file()


def test_what_another_config_has_published_does_not_stay(published, tmp_path):
    folder = tmp_path / "published"
    shutil.copytree(published, folder)
    (folder / "gradcam").mkdir()
    (folder / "gradcam/cifar10.png").write_text("of other networks", encoding="utf-8")
    study = checkout(tmp_path)
    for path in folder.rglob("eval.json"):
        report = json.loads(path.read_text())
        report["spec"]["recipe"]["epochs"] = 3
        path.write_text(json.dumps(report))
    for run in study.runs():
        if run.seed == 10:
            finish(study, run)
    assert publish_study.publish([tmp_path / "results"], [], folder) == [10]
    assert not (folder / "gradcam").exists()


def test_a_seed_that_lacks_runs_is_published_where_it_is_asked_for(published, tmp_path):
    folder = tmp_path / "published"
    assert publish_study.publish([published.parent / "results"], [], folder, [12]) == [12]
    rows = {row["model"]: row for row in json.loads((folder / "tables/cifar10.json").read_text())["rows"]}
    assert (rows["mha"]["seeds"], rows["selfatt"]["seeds"]) == (0, 1)
    assert "MHA" not in study_page.answer(folder)
    assert "left out, accuracy goes from" in study_page.answer(folder)
    assert "INCOMPLETE" in (folder / "README.md").read_text()


def test_of_the_baseline_alone_the_answer_is_its_accuracy(tmp_path):
    finish(checkout(tmp_path), Run("cifar10", "baseline", "tune", 10))
    assert publish_study.publish([tmp_path / "results"], [], tmp_path / "published", [10]) == [10]
    answer = study_page.answer(tmp_path / "published")
    assert "that no training saw. The controls" in answer
    assert answer.endswith("have not run yet.")


def test_the_history_of_a_newer_training_stays(published, tmp_path):
    """It is trained again, and not evaluated yet."""
    folder = tmp_path / "published"
    shutil.copytree(published, folder)
    files = Run("cifar10", "mha", "tune", 10).files(checkout(tmp_path).results)
    files.history.parent.mkdir(parents=True)
    files.history.write_text("newer", encoding="utf-8")
    assert publish_study.publish([tmp_path / "results"], [], folder) == [11]
    assert files.history.read_text(encoding="utf-8") == "newer"
    assert not files.evaluation.exists()


def test_a_seed_without_the_baseline_is_refused(published, tmp_path):
    with pytest.raises(DataError, match="seeds: the baseline has no run of 13"):
        publish_study.publish([published.parent / "results"], [], tmp_path / "published", [13])


def test_what_has_not_run_at_all_is_left_out(tmp_path):
    study = checkout(tmp_path)
    for run in study.runs():
        if run.dataset == "cifar10" and run.model in ("baseline", "selfatt") and run.seed == 10:
            finish(study, run)
    folder = tmp_path / "published"
    publish_study.publish([tmp_path / "results"], [], folder, [10])
    assert (folder / "tables/cifar10.md").is_file()
    assert not (folder / "tables/mnist.md").exists()
    assert "## MNIST" not in (folder / "README.md").read_text()
    assert "The controls for attention (placebos, plain networks of equal size) have not run yet." in study_page.answer(
        folder
    )


def test_claims_have_their_words_and_verdicts(published):
    claims = json.loads((published / "claims.json").read_text())
    assert {claim["table"] for claim in claims} == {"claims", "controls", "alike"}
    (first,) = [claim for claim in claims if claim["name"] == "01-selfatt-cifar10"]
    assert first["claim"] == "SelfAtt outperforms the baseline on CIFAR-10"
    assert first["verdict"] in ("verified", "inconclusive")


def test_the_page_says_what_the_tables_say(published):
    page = (published / "README.md").read_text()
    assert page == study_page.page(published)
    for table in ("claims", "controls", "alike", "cifar10", "mnist", "recipe"):
        assert (published / f"tables/{table}.md").read_text().strip() in page
    row = next(
        row for row in json.loads((published / "tables/cifar10.json").read_text())["rows"] if row["model"] == "selfatt"
    )
    assert f"SelfAtt {row['to_reference']:+.2f} [" in study_page.answer(published)


@pytest.mark.parametrize(
    ("verdicts", "controls", "said"),
    [
        (("inconclusive", "inconclusive", "inconclusive"), (), "**None is shown to do better.**"),
        (("worse", "inconclusive", "worse"), (), "**None is shown to do better; SelfAtt and CBAM worse.**"),
        (("better", "inconclusive", "worse"), ("verified", "verified"), "**With SelfAtt they do, also beside every"),
        (("better", "better", "worse"), ("verified", "inconclusive"), "**With SelfAtt and MHA they do, but not beside"),
    ],
)
def test_the_answer_is_no_stronger_than_the_verdicts(verdicts, controls, said):
    models = study_page.ATTENTION
    rows = {model: {"verdict": verdict, "p": 0.5} for model, verdict in zip(models, verdicts, strict=True)}
    against = [{"model": "selfatt", "verdict": verdict} for verdict in controls]
    labels = dict(zip(models, ("SelfAtt", "MHA", "CBAM"), strict=True))
    assert study_page._headline(rows, against, labels).startswith(said)


def test_without_a_whole_seed_nothing_changes(tmp_path):
    for folder in ("nothing", "results/controlled"):
        (tmp_path / folder).mkdir(parents=True)
        assert publish_study.publish([tmp_path / "nothing", tmp_path / "results"], [], tmp_path / "published") == []
    assert not (tmp_path / "published").exists()


def finish_with_weights(study: Study, run: Run) -> ResNet:
    """The network, as it was not trained."""
    finish(study, run)
    model = checkpoint.build(study.run_spec(run), 3, 10).eval()
    training = {"seconds": 40.0, "epochs": 20, "device": "CPU", "precision": "fp32"}
    path = run.path(layout.MODEL, study.results)
    checkpoint.save(path, model, study.run_spec(run), [str(digit) for digit in range(10)], "0" * 64, training)
    return model


def test_before_a_seed_is_whole_its_runs_are_kept_and_their_weights_come_back(tmp_path):
    folder, images = tmp_path / "published", randn(2, 3, 32, 32)
    cbam, baseline = (Run("cifar10", model, "tune", 10) for model in ("cbam-16", "baseline"))
    for name, run in (("one", cbam), ("another", baseline)):
        (tmp_path / name).mkdir()
        study = checkout(tmp_path / name)
        model = finish_with_weights(study, run)
        assert publish_study.publish([tmp_path / name / "results"], [], folder) == []
        answers = portable.load(folder / f"models/{run.model}.safetensors").model(images)
        assert (answers == model(images)).all()
    assert checkpoint.load(study.run_path(layout.MODEL, cbam)).training["epochs"] == 20
    assert {run.name for run in (folder / "runs/cifar10").iterdir()} == {"baseline", "cbam-16"}
    page = (folder / "README.md").read_text()
    assert "Not whole yet" in page
    assert f"`{cbam}`, 20 epochs: " in page
    assert page == study_page.waiting(folder)


def test_published_weights_are_the_trained_ones(tmp_path):
    study = publish_study.read(tmp_path, [publish_study.CONFIG])
    run = Run("cifar10", "cbam-16", "tune", 10)
    model = finish_with_weights(study, run)
    assert model_cards.write(study, run, tmp_path / "models")
    file = tmp_path / "models/cbam-16.safetensors"
    images = randn(2, 3, 32, 32)
    assert (portable.load(file).model(images) == model(images)).all()
    card = (tmp_path / "models/cbam-16.md").read_text()
    assert "cbam after each stage" in card
    assert file.stat().st_size < 2_000_000


def test_a_second_opinion_is_the_accuracy_on_other_images():
    rng = np.random.default_rng(0)
    found = {"baseline": rng.random((3, 500)) < 0.8, "mha": rng.random((3, 500)) < 0.9}
    table = second_opinion.table(found, {"baseline": "Baseline", "mha": "MHA"})
    _, low, high = crossed_difference(found["mha"], found["baseline"])
    row = table.data.set_index("model").loc["mha"]
    assert row["accuracy"] == pytest.approx(100 * found["mha"].mean())
    assert (row["low"], row["high"]) == (low, high)
    assert list(table.shown.iloc[0])[2] == "–"
    assert "500 official test images, 3 of each" in table.notes[0]


def test_the_folder_in_the_repository_is_of_its_runs(tmp_path):
    folder = ROOT / "docs/study"
    page = (folder / "README.md").read_text(encoding="utf-8")
    if (folder / "claims.json").is_file():
        tables_made_again(folder, tmp_path)
        assert page == study_page.page(folder)
        assert shown("study") == study_page.first_screen(folder)
    else:
        assert page == study_page.waiting(folder)
    for path in folder.rglob("*"):
        assert path.is_dir() or path.stat().st_size < 2_000_000
