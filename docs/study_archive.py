"""What is kept of a study beside its tables, so that another machine goes on where this one stops.

Of each finished run its numbers, history and predictions, the card of its data, and what instruments measured of it; of
the first seed of the four models the weights as well, with a card each (:mod:`docs.model_cards`). The files lie in the
published folder as they lie in a results folder, and are taken from there where they are missing.
"""

import shutil
from pathlib import Path

import numpy as np

from cnntention.base import layout, specs
from cnntention.base.files import atomic_path
from cnntention.base.layout import Run
from cnntention.reporting import runs
from cnntention.study.study import Study
from cnntention.training import checkpoint, portable
from docs import second_opinion

ARRAYS_BYTES = 100_000
"""The largest file of a measurement's arrays that is kept: pictures of more are made where they are measured."""


def finished(study: Study, wanted: list[Run]) -> list[Run]:
    """The runs that are trained and evaluated as the config says."""
    found = runs.evaluations_in_detail(study.results, study.digests(wanted))
    return [Run(*of) for of in found[list(runs.NAMES)].itertuples(index=False)]


def keep(study: Study, run: Run, folder: Path) -> None:
    """Copy a run's files into the published folder, predictions in a tenth of their size: probabilities to three
    digits."""
    for path in (study.run_path(layout.EVAL, run), study.run_path(layout.HISTORY, run), *_measurements(study, run)):
        _copy(Path(path), folder / Path(path).relative_to(study.results))
    for pattern in (layout.CARD, second_opinion.ANSWERS):
        if (path := Path(study.run_path(pattern, run))).is_file():
            _copy(path, folder / path.relative_to(study.results))
    path = Path(study.run_path(layout.PREDICTIONS, run))
    with np.load(path) as content:
        small = {key: content[key].astype(np.uint8) for key in ("labels", "predictions")}
        if "probabilities" in content:
            small["probabilities"] = content["probabilities"].round(3).astype(np.float16)
    np.savez_compressed(folder / path.relative_to(study.results), **small)


def _measurements(study: Study, run: Run) -> list[str]:
    """The files of what instruments measured of a run."""
    found = []
    for name in study.config["instruments"]:
        stem = study.run_path(layout.measurement(name), run)
        for path, limit in ((Path(f"{stem}.json"), None), (Path(f"{stem}.npz"), ARRAYS_BYTES)):
            if path.is_file() and (limit is None or path.stat().st_size <= limit):
                found.append(str(path))
    return found


def restore(folder: Path, study: Study) -> bool:
    """Put the kept runs that the study's config still makes into its results folder, where they are missing.

    Not over the history of a training that is newer, and not evaluated yet.

    Returns:
        Whether all that is kept is of this config: what else is published then still holds.
    """
    archive = Study(study.config | {"results": str(folder)})
    kept, there = finished(archive, study.runs()), set(finished(study, study.runs()))
    _restore_weights(folder / "models", study)
    for card in folder.glob("data/*.json"):
        if not (target := Path(study.results) / card.relative_to(folder)).exists():
            _copy(card, target)
    for run in (run for run in kept if run not in there and not _trained_again(run, archive, study)):
        of = Path(archive.run_path(layout.RUN, run))
        for path in [*map(str, of.iterdir()), *_measurements(archive, run)]:
            _copy(Path(path), Path(study.results) / Path(path).relative_to(folder))
    return bool(kept) and len(kept) == len(list(folder.glob("runs/**/eval.json")))


def _trained_again(run: Run, archive: Study, study: Study) -> bool:
    """Whether the study has another history of a run than the archive."""
    kept, own = (Path(of.run_path(layout.HISTORY, run)) for of in (archive, study))
    return own.is_file() and own.read_bytes() != kept.read_bytes()


def _restore_weights(folder: Path, study: Study) -> None:
    """Make the ``model.pt`` of the published weights that are of a run of the study, where it is missing."""
    digests = study.digests(study.runs())
    for path in sorted(folder.glob(f"*{portable.SUFFIX}")):
        trained = portable.load(path)
        target = Path(study.run_path(layout.MODEL, trained.spec.run))
        if digests.get(str(trained.spec.run)) == specs.digest(trained.spec) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            checkpoint.write(target, trained)


def _copy(path: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(path, temporary)
