"""How far each run of a study has come, from its files alone: on any machine that can read the results folder.

Never imports torch, so that it starts at once on a cluster's login node.
"""

import dataclasses
from pathlib import Path

from cnntention.base import layout, specs
from cnntention.base.layout import Run
from cnntention.base.words import duration
from cnntention.data.split import judged_error
from cnntention.reporting import runs
from cnntention.study.study import Study
from cnntention.training import heartbeat, origin
from cnntention.training.heartbeat import Beat
from cnntention.training.specs import ImportSpec, NetworkSpec, RunSpec, is_of
from cnntention.workflow.summary import failure

WAITING = "waiting"
TRAINING = "training"
SILENT = "no news"
INTERRUPTED = "interrupted"
FAILED = "failed"
TRAINED = "trained"
EVALUATED = "evaluated"
STALE = "stale"
STATES = {
    TRAINING: "an epoch ended, or could not have ended yet",
    SILENT: "nothing for much longer than an epoch takes: killed, or stuck",
    FAILED: "its last attempt ended with an error",
    INTERRUPTED: "stopped before its end",
    WAITING: "not begun",
    STALE: "made by another config; snakemake makes it again",
    TRAINED: "its weights are there, to be evaluated",
    EVALUATED: "done",
}
"""The states of a run and what they mean, those first that need attention most."""

SILENT_EPOCHS = 3  # an epoch may take longer than their mean: other work on the machine, a slow disk
SILENT_LEAST_S = 60.0
SILENT_FIRST_S = 1800.0  # how long an epoch takes is not known yet; compilation comes on top


@dataclasses.dataclass(frozen=True)
class Row:
    """How far a run has come.

    Attributes:
        run: which one.
        state: one of :data:`STATES`.
        epochs: how many epochs it is to be trained; None: it was trained elsewhere.
        epoch: how many are done; None where nothing is known.
        train_error: after the last of them, in percent.
        error: likewise, on validation images (split tune) or test images (split full).
        seconds_left: at most, until it is trained; None where it is not training, or in its first epoch.
        device: in words.
        note: what else there is to know, in one line.
    """

    run: Run
    state: str
    epochs: int | None = None
    epoch: int | None = None
    train_error: float | None = None
    error: float | None = None
    seconds_left: float | None = None
    device: str = ""
    note: str = ""


def rows(study: Study, now: float) -> list[Row]:
    """A row for each training of a study.

    Args:
        study: whose results folder is looked at.
        now: Unix time in seconds.
    """
    return [_row(study, run, now) for run in study.trainings()]


def _row(study: Study, run: Run, now: float) -> Row:
    spec = study.run_spec(run)
    if isinstance(spec, ImportSpec):
        return _imported(Row(run, WAITING), study, spec)
    row = Row(run, WAITING, spec.recipe.epochs)
    beat = heartbeat.read(study.run_path(layout.HEARTBEAT, run))
    if beat and beat.spec == specs.digest(spec):
        return _begun(row, study, beat, now)
    if beat and not beat.ended and _silence(row, study, now) <= _patience(beat):
        return dataclasses.replace(row, state=TRAINING, device=beat.device, note="by another config than this one")
    if Path(study.run_path(layout.MODEL, run)).is_file():
        return _trained(row, study, spec)
    return _not_begun(row, study, beat, now)


def _begun(row: Row, study: Study, beat: Beat, now: float) -> Row:
    """The row of a training that left a heartbeat."""
    row = dataclasses.replace(row, epoch=beat.epoch, train_error=beat.train_error, error=beat.error, device=beat.device)
    beat_time, log_time = _modified(_heartbeat(study, row.run)), _modified(_log(study, row.run))
    # A newer log is from this attempt, or from the next one, which has left no heartbeat yet.
    message = _failure(_log(study, row.run)) if log_time >= beat_time else None
    if message is not None and not _is_of(beat, message):
        return dataclasses.replace(row, state=FAILED, note=_line(message))
    resumable = Path(study.run_path(layout.STATE, row.run)).exists()
    goes_on = f"goes on after epoch {beat.epoch}" if resumable else "starts anew"
    if beat.ended and (message is not None or log_time < beat_time):
        if beat.ended == "interrupted":
            return dataclasses.replace(row, state=INTERRUPTED, note=goes_on)
        return dataclasses.replace(row, state=FAILED, note=_line(beat.message))
    silence = _silence(row, study, now)
    if silence > _patience(beat):
        usual = f", an epoch takes {duration(beat.seconds_per_epoch)}" if beat.seconds_per_epoch else ""
        note = f"for {duration(silence)}{usual}; if killed, it {goes_on}"
        return dataclasses.replace(row, state=SILENT, note=note)
    left = None
    if beat.seconds_per_epoch is not None and not beat.ended:
        left = max(0.0, beat.seconds_per_epoch * ((row.epochs or 0) - beat.epoch) - max(0.0, now - beat_time))
    return dataclasses.replace(row, state=TRAINING, seconds_left=left, note="starting again" if beat.ended else "")


def _trained(row: Row, study: Study, spec: RunSpec) -> Row:
    """The row of a run that has weights."""
    history = runs.if_whole(runs.history, study.run_path(layout.HISTORY, row.run))
    if not history:
        return dataclasses.replace(row, state=TRAINED, note="its history.csv is missing or damaged")
    last = history[-1]
    error = last[judged_error(row.run.split)]
    row = dataclasses.replace(row, epoch=len(history), train_error=last["train_error"], error=error)
    evaluation = runs.if_whole(runs.evaluation, study.run_path(layout.EVAL, row.run))
    if evaluation and not runs.of_one_training(history, evaluation["training"]):
        evaluation = None
    if evaluation:
        row = dataclasses.replace(row, device=evaluation["training"]["device"])
    made_by = runs.made_by(study.results, row.run, history)
    if made_by is None:
        return dataclasses.replace(row, state=TRAINED, note="its model.pt is damaged, or of another training")
    return _judged(row, study, spec, made_by, evaluated=bool(evaluation))


def _imported(row: Row, study: Study, spec: ImportSpec) -> Row:
    """The row of a run whose weights come from elsewhere."""
    notes = runs.if_whole(origin.notes, study.run_path(layout.MODEL, row.run))
    if not notes:
        message = _failure(study.path(layout.LOG, step="import_weights", of=row.run))
        return dataclasses.replace(row, state=FAILED, note=_line(message)) if message else row
    evaluation = runs.if_whole(runs.evaluation, study.run_path(layout.EVAL, row.run))
    if evaluation and evaluation["training"] == notes["training"]:
        row = dataclasses.replace(row, error=100 - evaluation["accuracy"])
    else:
        evaluation = None
    return _judged(row, study, spec, notes["spec"], evaluated=bool(evaluation))


def _judged(row: Row, study: Study, spec: NetworkSpec, made_by: dict, evaluated: bool) -> Row:
    """The row of a run that has weights, by what made them."""
    if not is_of(specs.digest(spec), made_by):
        return dataclasses.replace(row, state=STALE, note="made by another config")
    if evaluated:
        return dataclasses.replace(row, state=EVALUATED)
    log = study.path(layout.LOG, step="evaluate", of=row.run)
    message = _failure(log) if _modified(log) >= _modified(study.run_path(layout.MODEL, row.run)) else None
    if message is not None:
        return dataclasses.replace(row, state=FAILED, note=_line(f"evaluation: {message}"))
    return dataclasses.replace(row, state=TRAINED)


def _not_begun(row: Row, study: Study, beat: Beat | None, now: float) -> Row:
    """The row of a run without weights, and without a heartbeat of this config."""
    log = _log(study, row.run)
    message = _failure(log)
    if message is None and not Path(study.path(layout.DATA, dataset=row.run.dataset)).exists():
        message = _failure(study.path(layout.LOG, step="prepare_data", of=row.run.dataset))
    if message is not None and not (beat and _is_of(beat, message)):
        return dataclasses.replace(row, state=FAILED, note=_line(message))
    if beat is None and Path(study.run_path(layout.STATE, row.run)).exists():
        return dataclasses.replace(row, state=INTERRUPTED, note="there is a state to go on from")
    last = _read(log).strip().splitlines()[-1:]
    if last and message is None:  # such as that it waits for a GPU
        return dataclasses.replace(row, note=_line(f"its log, {duration(now - _modified(log))} ago: {last[0]}"))
    return row


# ---- heartbeats and logs


def _heartbeat(study: Study, run: Run) -> str:
    return study.run_path(layout.HEARTBEAT, run)


def _log(study: Study, run: Run) -> str:
    return study.path(layout.LOG, step="train", of=run)


def _silence(row: Row, study: Study, now: float) -> float:
    """Seconds since the last news: lines of the log too, such as those of a second attempt before its first epoch."""
    return max(0.0, now - max(_modified(_heartbeat(study, row.run)), _modified(_log(study, row.run))))


def _patience(beat: Beat) -> float:
    """For how many seconds there may be no news."""
    if beat.seconds_per_epoch is None:
        return SILENT_FIRST_S
    return max(SILENT_LEAST_S, SILENT_EPOCHS * beat.seconds_per_epoch)


def _is_of(beat: Beat, message: str) -> bool:
    """Whether a log's message is about the same error as the heartbeat's."""
    return beat.ended is not None and message.startswith(beat.message.strip())


def _failure(log: str) -> str | None:
    return failure(_read(log))


# ---- files that may be missing, damaged, or vanish at any time


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _modified(path: str) -> float:
    """Unix time in seconds; 0 where there is no such file."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


# ---- words


def _line(text: str) -> str:
    """The first line of a text, without characters that might confuse a terminal."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return "".join(character for character in " ".join(first.split()) if character.isprintable())
