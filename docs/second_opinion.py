"""A second opinion on runs of split tune: their accuracy on test images, which the study judges by validation images.

It is computed when the study is published and is part of no step, so that nothing can be chosen by it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnntention.base import layout, specs
from cnntention.base.device import Machine, select
from cnntention.base.files import atomic_path
from cnntention.base.layout import DataFiles, Run
from cnntention.data import dataset as datasets
from cnntention.data.batches import Normalizer
from cnntention.network import predict
from cnntention.reporting.statistics.crossed import crossed_difference
from cnntention.reporting.statistics.seeds import mean_std
from cnntention.reporting.table import Table, interval, spread
from cnntention.study.study import Study
from cnntention.training import checkpoint

NAME = "test-images"
REFERENCE = "baseline"


ANSWERS = layout.RUN + "/test-images.npz"
"""What a run's network answers, bool ``right`` ``[images]``: kept beside the run, since its weights are not."""


def answers(study: Study, dataset: str, models: list[str]) -> dict[str, NDArray[np.bool_]]:
    """Which test images each model's networks have right, bool ``[seeds, images]``.

    Networks are asked whose weights are there and whose data were these; of others the answers from before count. Empty
    where there are neither, or where they are of different images.
    """
    runs = {model: [Run(dataset, model, "tune", seed) for seed in study.config["seeds"]] for model in models}
    files = DataFiles.of(dataset, study.results)
    with_weights = [run for of in runs.values() for run in of if Path(study.run_path(layout.MODEL, run)).is_file()]
    if with_weights and files.data.is_file() and files.card.is_file():
        _ask(study, with_weights, files)
    paths = {model: [study.run_path(ANSWERS, run) for run in of] for model, of in runs.items()}
    if not all(Path(path).is_file() for of in paths.values() for path in of):
        return {}
    found = {model: [_read(path) for path in of] for model, of in paths.items()}
    if len({len(right) for of in found.values() for right in of}) > 1:
        return {}
    return {model: np.stack(of) for model, of in found.items()}


def _ask(study: Study, runs: list[Run], files: DataFiles) -> None:
    """Write the answers of runs whose weights are there."""
    target = select(specs.read(Machine, study.computing))
    data = datasets.load(files.data, files.card, device=target)
    part = data.parts["test"]
    for run in runs:
        trained = checkpoint.load(study.run_path(layout.MODEL, run))
        if trained.data_sha256 != data.sha256:  # published weights, from a machine with other images
            continue
        normalize = Normalizer(trained.spec.normalization, data.in_channels, target)
        scores = predict.logits(trained.model.to(target), part, normalize)
        right = (scores.argmax(1) == part.labels).cpu().numpy()
        with atomic_path(study.run_path(ANSWERS, run)) as temporary:
            np.savez_compressed(temporary, right=right)


def _read(path: str) -> NDArray[np.bool_]:
    with np.load(path) as content:
        return content["right"]


def table(found: dict[str, NDArray[np.bool_]], labels: dict[str, str]) -> Table:
    """Accuracy of each model, and its difference to the baseline over seeds and images."""
    rows = []
    for model, right in found.items():
        mean, std = mean_std(100 * right.mean(1))
        row = {"model": model, "accuracy": mean, "accuracy_std": std, "seeds": len(right), "images": right.shape[1]}
        if model != REFERENCE:
            row["difference"] = 100 * float(right.mean() - found[REFERENCE].mean())
            if len(right) > 1:
                _, row["low"], row["high"] = crossed_difference(right, found[REFERENCE])
        rows.append(row)
    data = pd.DataFrame(rows).reindex(columns=[*rows[0], "difference", "low", "high"])
    shown = pd.DataFrame(
        {
            "Model": [labels[model] for model in data["model"]],
            "Test accuracy (%)": [
                spread(mean, std, ".2f") for mean, std in zip(data["accuracy"], data["accuracy_std"], strict=True)
            ],
            f"Δ to {labels[REFERENCE]} [95%]": [
                interval(*ends, "+.2f") for ends in zip(data["difference"], data["low"], data["high"], strict=True)
            ],
        }
    )
    seeds, images = next(iter(found.values())).shape
    notes = [
        f"The same networks on {images:,} official test images, {seeds} of each; Δ with its interval over seeds and "
        "images (crossed bootstrap). No verdict rests on it."
    ]
    return Table(data, shown, "A second opinion: accuracy on test images of CIFAR-10", notes, NAME)
