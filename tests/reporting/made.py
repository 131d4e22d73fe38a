"""What tests of reporting share: specs of products, and evaluations as a run leaves them."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cnntention.base import layout, specs
from cnntention.base.layout import Run
from cnntention.reporting.runs import NAMES, NEEDED
from cnntention.reporting.tables.accuracy import AccuracySpec
from cnntention.training import history

MODELS = [{"name": "base", "label": "Baseline"}, {"name": "att", "label": "Attention"}]
DATASETS = [{"name": "cifar10", "label": "CIFAR-10"}, {"name": "mnist", "label": "MNIST"}]
PUBLISHED = {"cifar10": {"base": {"accuracy": 90.96, "hours": 3.7}, "att": {"accuracy": 93.0, "hours": 0.5}}}


def accuracy_spec(**changes: Any) -> AccuracySpec:
    """Of two models on one dataset with three seeds, compared with the baseline and the paper."""
    content = {
        "name": "table3",
        "kind": "accuracy",
        "caption": "Test accuracy",
        "runs": {},
        "datasets": DATASETS[:1],
        "models": MODELS,
        "split": "full",
        "seeds": [10, 11, 12],
        "reference": "base",
        "published": PUBLISHED,
    }
    return specs.read(AccuracySpec, content | changes)


def evaluation(model: str, seed: int, accuracy: float, dataset: str = "cifar10", **changes: Any) -> dict:
    """A row of a frame of evaluations."""
    row = {
        "dataset": dataset,
        "model": model,
        "split": "full",
        "seed": seed,
        "accuracy": accuracy,
        "n": 10_000,
        "seconds": 9000.0,
        "epochs": 182,
        "device": "CPU (x86_64, 2 threads)",
        "precision": "fp32",
        "parameters": 272_474 if model == "base" else 1_727_962,
        "multiply_adds": 40_813_184,
        "attention": None,
        "versions": {"training": {"python": "3.11.2", "torch": "2.15.0"}, "evaluation": {"python": "3.12.0"}},
    }
    assert {*NAMES, *NEEDED} <= row.keys()
    row |= changes
    return {"errors": [50.0], "right": np.arange(row["n"]) < accuracy / 100 * row["n"]} | row


def frame(*rows: dict) -> pd.DataFrame:
    """Evaluations, with all columns also where there is none."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*NAMES, *NEEDED, "errors", "right"])


def runs(base: tuple = (90, 91, 92), att: tuple = (92, 92, 94)) -> list[dict]:
    """One evaluation for each seed from 10 on; None: missing."""
    return [
        evaluation(model, seed, accuracy)
        for model, accuracies in (("base", base), ("att", att))
        for seed, accuracy in enumerate(accuracies, start=10)
        if accuracy is not None
    ]


def cells(table: Any) -> list[dict]:
    """What a table shows, a dict a row."""
    return table.shown.to_dict("records")


# ---- files of a run


def write_history(results: Path, run: Run, errors: list[float], seconds: float = 2.0) -> None:
    """Train errors as given, and twice as much on the images that judge the run."""
    judged = "test" if run.split == "full" else "validation"
    rows = [
        {"epoch": number, "lr": 0.1, "train_loss": 1.0, "train_error": error, "seconds": seconds}
        | {f"{judged}_loss": 2.0, f"{judged}_error": 2 * error}
        for number, error in enumerate(errors, start=1)
    ]
    history.write(run.path(layout.HISTORY, str(results)), rows)


def write_evaluation(results: Path, run: Run, spec: dict, accuracy: float = 90.0, **changes: Any) -> None:
    """An ``eval.json`` of a training of three epochs of two seconds."""
    row = evaluation(run.model, run.seed, accuracy)
    training = {key: row[key] for key in ("device", "precision")} | {"seconds": 6.0, "epochs": 3}
    report = {key: row[key] for key in ("accuracy", "n", "parameters", "multiply_adds", "attention", "versions")}
    path = Path(run.path(layout.EVAL, str(results)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"spec": spec, "training": training} | report | changes), encoding="utf-8")


def write_predictions(results: Path, run: Run, right: int, images: int = 4) -> None:
    """Predictions of which the first ones are right."""
    labels = np.arange(images)
    path = Path(run.path(layout.PREDICTIONS, str(results)))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, labels=labels, predictions=np.where(labels < right, labels, -1))


def write_weights(path: Path, spec: dict, seconds: float = 6.0, epochs: int = 3, **training: Any) -> None:
    """A ``model.pt`` without weights, in torch's format and without torch."""
    content = {"state_dict": {}, "spec": spec, "training": {"seconds": seconds, "epochs": epochs} | training}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
