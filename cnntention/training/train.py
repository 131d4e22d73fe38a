"""The step ``train``: one run, from prepared data to weights and history."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from cnntention.base import device, specs
from cnntention.base.device import Machine
from cnntention.base.errors import InterruptionError, TrainingError
from cnntention.base.layout import DataFiles, RunFiles
from cnntention.base.memory import enough_memory
from cnntention.base.words import duration
from cnntention.data import batches
from cnntention.data import dataset as datasets
from cnntention.network import complexity
from cnntention.training import checkpoint, history, pace
from cnntention.training.epoch import DivergenceError
from cnntention.training.heartbeat import Heartbeat
from cnntention.training.interruption import Interruption
from cnntention.training.plan import Plan
from cnntention.training.specs import RunSpec
from cnntention.training.start import load as load_start
from cnntention.training.state import State, key
from cnntention.training.training import Training


def train(
    spec: RunSpec,
    files: RunFiles,
    data_files: DataFiles,
    machine: Machine | None = None,
    log: Callable[[str], None] = print,
    keep_state: bool = False,
    start: Path | None = None,
) -> Training:
    """Train one run from files to files, from where a killed process of the same run left off.

    Args:
        spec: of the run.
        files: of the run. Model and history are written at the end; the state after every epoch and on a signal to
            stop, to go on from, and removed at the end. The heartbeat tells meanwhile how far the training has come.
        data_files: of its dataset.
        machine: what to compute on, and how.
        log: is called with each line of text.
        keep_state: leave the state, for a caller that may be killed before it knows that the run is done.
        start: ``model.pt`` of the run that this one starts from, if its spec says so.

    Raises:
        CheckpointError: the start is not there, or was trained otherwise than the spec says.
        DataError: the prepared data are missing or damaged.
        DeviceError: the device is not there, cannot do what is asked for, or runs out of memory.
        TrainingError: another process is at this run, or the loss became NaN or infinite.
        InterruptionError: a signal asked to stop.
    """
    machine = machine or Machine()
    with _alone(spec, files, log), Interruption(log) as interruption:
        with interruption.at_once(), enough_memory(str(spec.run), _advice(spec)):
            target = device.select(machine, log)
            data = datasets.load(data_files.data, data_files.card, spec.validation_images, target)
        heartbeat = Heartbeat(files.heartbeat, spec, device.describe(target))
        with heartbeat, enough_memory(str(spec.run), _advice(spec)):
            with interruption.at_once():
                trunk = load_start(spec, start, data.sha256)
                training = Training(spec, data, target, Plan.choose(spec, data, target, machine), trunk)
            deciding = training.plan.deciding + ([trunk.sha256] if trunk else [])
            state = State(files.state, key(spec, data.sha256, target, deciding))
            _introduce(training, data, log)
            saved = state.load(log)
            if saved:
                training.restore(saved)
                log(f"resuming   {_place(training)}")
            remark = pace.remark(training)
            if remark:
                log(f"warning    {remark}")
            finish(training, log, state, interruption, heartbeat)
            summary = {
                "seconds": training.seconds,
                "epochs": len(training.rows),
                "device": device.describe(target),
                "precision": training.plan.precision.name,
                "compiled": training.plan.compilation.on,
                "captured": training.plan.capture.on,
                "attention": training.plan.attention.name,
            }
            history.write(files.history, training.rows)
            size = data.image_shape[:2]
            checkpoint.save(files.model, training.model, spec, data.class_names, data.sha256, summary, size)
            if not keep_state:
                state.remove()
    last = training.rows[-1]
    result = ", ".join(f"{key.replace('_', ' ')} {last[key]:.2f}%" for key in last if key.endswith("_error"))
    log(f"finished after {len(training.rows)} epochs, {duration(training.seconds)}: {result}; {files.model}")
    return training


def finish(
    training: Training,
    log: Callable[[str], None] = print,
    state: State | None = None,
    interruption: Interruption | None = None,
    heartbeat: Heartbeat | None = None,
) -> None:
    """Run a training to its end.

    Args:
        training: new, or as far as it has come.
        log: takes a line for each epoch.
        state: saved after each epoch and when the training is interrupted.
        interruption: asked after each step.
        heartbeat: told of each epoch.

    Raises:
        TrainingError: the loss became NaN or infinite.
        InterruptionError: a signal asked to stop.
    """
    interruption = interruption or Interruption(log)
    while not training.finished:
        if heartbeat:
            heartbeat.beat(training.rows, training.seconds_per_epoch)
        try:
            training.run_epoch(interruption.check)
            with interruption.at_once():
                judgement = training.judge()
        except InterruptionError as stopped:
            raise _interrupted(training, state, stopped) from None
        except DivergenceError as diverged:
            raise _diverged(training, state, diverged) from None
        log(_line(training, training.close_epoch(judgement)))
        if training.stopped:
            log("validation error has not improved for as long as early_stopping allows: stopping")
        if state:
            state.save(training.state())


@contextlib.contextmanager
def _alone(spec: RunSpec, files: RunFiles, log: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a run; the death of the process releases it as well.

    Raises:
        TrainingError: another process holds it.
    """
    files.lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(files.lock, timeout=0)
    try:
        lock.acquire()
        while not files.lock.exists():  # its last holder removed it after this process had opened it
            lock.release()
            lock.acquire()
    except Timeout:
        raise TrainingError(
            f"{spec.run}: another process is training this run ({files.lock} is locked); wait until it has ended, or "
            "stop it: this run then goes on from where it was"
        ) from None
    except NotImplementedError:  # a file system without locks
        log(f"warning    {files.lock} cannot be locked here: make sure that no other process trains this run")
        yield
        return
    try:
        yield
    finally:
        files.lock.unlink(missing_ok=True)
        lock.release()


def _advice(spec: RunSpec) -> str:
    """What to do when memory runs out."""
    batch_size = spec.recipe.batch_size
    if batch_size < 4:
        return f"the batch size is {batch_size}; run fewer at once, or on another machine"
    smaller = f"try batch_size: {batch_size // 2} in the recipe of {spec.model}"
    return f"the batch size is {batch_size}, {smaller} or fewer runs at once"


# ---- errors


def _interrupted(training: Training, state: State | None, stopped: InterruptionError) -> InterruptionError:
    """The error of a training that was told to stop, its state saved."""
    epoch = training.epoch
    assert epoch is not None
    where = f"in epoch {len(training.rows) + 1} after step {epoch.step} of {epoch.steps}"
    kept = ""
    if state:
        state.save(training.state())
        kept = f"; saved in {state.path}, run it again to go on"
    return InterruptionError(f"{training.spec.run}: {stopped} {where}{kept}", stopped.number)


def _diverged(training: Training, state: State | None, diverged: DivergenceError) -> TrainingError:
    """The error of a loss that is not finite; what there is of the run is kept in a file for a look."""
    epoch = training.epoch
    assert epoch is not None
    number = len(training.rows) + 1
    if diverged.step is None:
        what, where = training.judged_by, f"after epoch {number}"
    else:
        what, where = "training", f"in epoch {number}, step {diverged.step} of {epoch.steps}"
    rate = f"{epoch.lr:g}" if training.lr == epoch.lr else f"{epoch.lr:g} to {training.lr:g}"
    kept = f"; the run as it was then is in {state.keep(training.state())}" if state else ""
    return TrainingError(
        f"{training.spec.run}: the {what} loss became {diverged.loss} {where}, at lr {rate}; try a lower lr{kept}"
    )


# ---- lines of the log


def _introduce(training: Training, data: datasets.Dataset, log: Callable[[str], None]) -> None:
    plan, part = training.plan, training.judged_by
    log(f"run        {training.spec.run}")
    log(f"device     {device.describe(training.device)}, torch {torch.__version__}")
    log(f"precision  {plan.precision.name}: {plan.precision.reason}")
    log(f"compile    {'on' if plan.compilation.on else 'off'}: {plan.compilation.reason}")
    if training.device.type == "cuda":
        log(f"graph      {'on' if plan.capture.on else 'off'}: {plan.capture.reason}")
    log(f"attention  {plan.attention.name}: {plan.attention.reason}")
    log(f"model      {complexity.parameters(training.model):,} parameters")
    if training.spec.start:
        log(f"start      the weights of {training.spec.start_run}; trained: {training.spec.start.train}")
    log(f"data       {len(data.parts['train']):,} training images, {len(data.parts[part]):,} {part} images")
    log(f"recipe     {specs.plain(training.spec.recipe)}")
    misfit = batches.misfit(training.spec.normalization, data.parts["train"].images)
    if misfit:
        log(f"note       {misfit}")


def _place(training: Training) -> str:
    """How far a training has come."""
    step = f" and step {training.epoch.step} of {training.epoch.steps}" if training.epoch else ""
    return f"after epoch {len(training.rows)}{step}"


def _line(training: Training, row: dict) -> str:
    """The result of an epoch, and how long the remaining ones will take."""
    epochs, part = training.spec.recipe.epochs, training.judged_by
    left = (training.seconds_per_epoch or 0.0) * (epochs - row["epoch"])
    return (
        f"epoch {row['epoch']:>4}/{epochs}  lr {row['lr']:<8.3g}"
        f"  train loss {row['train_loss']:7.4f} error {row['train_error']:6.2f}%"
        f"  {part} loss {row[f'{part}_loss']:7.4f} error {row[f'{part}_error']:6.2f}%"
        f"  {row['seconds']:7.1f} s  left {duration(left)}"
    )
