"""The trained model that a user names: a run of the study, or a file."""

import dataclasses
import os
import re
from collections.abc import Callable

from cnntention.base import layout, specs
from cnntention.base.errors import CheckpointError
from cnntention.base.layout import DataFiles, Run
from cnntention.data.card import Card
from cnntention.data.split import JUDGED_BY
from cnntention.study.study import Study
from cnntention.training import portable
from cnntention.training.checkpoint import Checkpoint

RUN = re.compile(rf"(?P<dataset>[^/]+)/(?P<model>[^/]+)(/(?P<split>{'|'.join(JUDGED_BY)})(/seed(?P<seed>[0-9]+))?)?")
"""How a run is named."""


def find(name: str, study: Callable[[], Study]) -> Checkpoint:
    """A trained model.

    Args:
        name: the path of a ``model.pt`` or ``.safetensors`` file; or ``DATASET/MODEL/SPLIT/seedN``, a run of the study,
            without its seed (the first of the config) or without its split (``full``) too.
        study: is asked only for the latter.

    Raises:
        CheckpointError: there is no such model, its file is damaged, or another config made the run.
        ConfigError: the config is not valid.
    """
    if os.path.exists(name):
        return portable.load(name)
    asked = study()
    run = _run(name, asked)
    path = asked.run_path(layout.MODEL, run)
    trained = portable.load(path)
    if specs.digest(trained.spec) != specs.digest(asked.run_spec(run)):
        raise CheckpointError(f"{path}: trained by another config than this one; train this run again")
    if trained.image_size is None:  # trained before checkpoints kept it
        card = Card.read(DataFiles.of(run.dataset, asked.results).card)
        trained.require_data(card.sha256, path)
        trained = dataclasses.replace(trained, image_size=card.image_shape[:2])
    return trained


def _run(name: str, study: Study) -> Run:
    match = RUN.fullmatch(name)
    if match and match["dataset"] in study.config["datasets"] and match["model"] in study.config["models"]:
        seed = study.config["seeds"][0] if match["seed"] is None else int(match["seed"])
        return Run(match["dataset"], match["model"], match["split"] or "full", seed)
    raise CheckpointError(
        f"{name}: no such file, and no run of the study, which is DATASET/MODEL/SPLIT/seedN; "
        f"python -m cnntention runs lists those that there are"
    )
