"""The training loop: whole dataset on the device, augmentation there, final-epoch weights always."""

import dataclasses
import math
import os
import time
import warnings
from collections.abc import Callable

import torch

from cnntention.base import device, specs
from cnntention.base.device import Machine
from cnntention.base.errors import InterruptionError, TrainingError
from cnntention.base.memory import enough_memory
from cnntention.base.words import duration
from cnntention.data import dataset as datasets
from cnntention.data.batches import Augmenter, Normalizer
from cnntention.network import predict
from cnntention.network.resnet import ResNet
from cnntention.training import checkpoint, compilation, history, precision
from cnntention.training.epoch import DivergenceError, Epoch
from cnntention.training.heartbeat import Heartbeat
from cnntention.training.interruption import Interruption
from cnntention.training.optimization import Stopper, build_optimizer, build_schedule
from cnntention.training.specs import RunSpec
from cnntention.training.state import State, key


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model after its last epoch, and the rows of its history."""

    model: ResNet
    rows: list[dict]

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all epochs."""
        return sum(row["seconds"] for row in self.rows)


def run(
    spec: RunSpec,
    name: str,
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    model_path: str | os.PathLike,
    history_path: str | os.PathLike,
    state_path: str | os.PathLike,
    machine: Machine | None = None,
    log: Callable[[str], None] = print,
    keep_state: bool = False,
) -> Trained:
    """Train one run from files to files, from where a killed process of the same run left off.

    Args:
        spec: of the run.
        name: of the run, for the log.
        data_path: prepared data.
        card_path: its card.
        model_path: the checkpoint to write.
        history_path: the CSV to write, a row an epoch.
        state_path: written after every epoch and on a signal to stop, to go on from; removed at the end. The heartbeat
            stands beside it.
        machine: what to compute on, and how.
        log: takes a line of text.
        keep_state: leave the state, for a caller that may be killed before it knows that the run is done.

    Raises:
        DataError, DeviceError, TrainingError, InterruptionError: see there; model and history are not written then.
    """
    machine = machine or Machine()
    with Interruption() as interruption:
        with interruption.at_once(), enough_memory(name, _advice(spec)):
            target = device.select(machine, log)
            data = datasets.load(data_path, card_path, spec.validation_images, target)
            plan = Plan.choose(spec, len(data.parts["train"]), target, machine)
            state = State(state_path, key(spec, data.sha256, target, plan.deciding))
        heartbeat = Heartbeat(state_path, spec, device.describe(target))
        with heartbeat, enough_memory(name, _advice(spec)):
            trained = train(spec, data, target, plan, log, name, state, interruption, heartbeat)
            training = {
                "seconds": trained.seconds,
                "epochs": len(trained.rows),
                "device": device.describe(target),
                "precision": plan.precision.name,
            }
            history.write(history_path, trained.rows)
            checkpoint.save(model_path, trained.model, spec, data.class_names, data.sha256, training)
            if not keep_state:
                state.remove()
    last = trained.rows[-1]
    result = ", ".join(f"{key.replace('_', ' ')} {last[key]:.2f}%" for key in last if key.endswith("_error"))
    log(f"finished after {len(trained.rows)} epochs, {duration(trained.seconds)}: {result}; {model_path}")
    return trained


def _advice(spec: RunSpec) -> str:
    """What to do where memory does not do."""
    batch_size = spec.recipe.batch_size
    if batch_size == 1:
        return "run fewer at once, or on another machine"
    smaller = f"try batch_size: {batch_size // 2} in the recipe of {spec.model}"
    return f"the batch size is {batch_size}, {smaller} or fewer runs at once"


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a training computes: number format and compilation."""

    precision: precision.Precision
    compilation: compilation.Compilation
    deterministic: bool

    @classmethod
    def choose(cls, spec: RunSpec, images: int, target: torch.device, machine: Machine) -> "Plan":
        """What the config's settings come to on a device, for a number of training images.

        Raises:
            DeviceError: the device cannot do what is asked for.
        """
        steps = math.ceil(images / spec.recipe.batch_size) * spec.recipe.epochs
        chosen = precision.choose(spec.precision, target)
        compiled = compilation.choose(machine.compile, target, steps, machine.deterministic, chosen.name)
        return cls(chosen, compiled, machine.deterministic)

    @property
    def deciding(self) -> list:
        """What of it decides over the bits of the weights."""
        return [self.precision.name, self.compilation.on, self.deterministic]


def train(
    spec: RunSpec,
    data: datasets.Dataset,
    target: torch.device,
    plan: Plan | None = None,
    log: Callable[[str], None] = print,
    name: str = "run",
    state: State | None = None,
    interruption: Interruption | None = None,
    heartbeat: Heartbeat | None = None,
) -> Trained:
    """Train the model of a spec on ``data.parts["train"]``.

    After each epoch the validation part, or else the test part, is evaluated, in fp32: for the curves, and for early
    stopping on validation error. The test part never decides anything. Where a state is given, it is saved after each
    epoch and when training is interrupted, and training goes on from the step that it holds.

    Raises:
        TrainingError: the loss became NaN or infinite.
        InterruptionError: a signal asked to stop.
    """
    recipe = spec.recipe
    plan = plan or Plan.choose(spec, len(data.parts["train"]), target, Machine())
    interruption = interruption or Interruption()
    torch.manual_seed(spec.seed)
    model = checkpoint.build(spec, data.in_channels, len(data.class_names))
    model = model.to(target).to(memory_format=device.memory_format(target))
    forward = plan.compilation(model)
    normalize = Normalizer(spec.normalization, data.in_channels, target)
    # Batches and augmentation draw from a generator of their own: models of one seed then see the same images.
    generator = torch.Generator(target).manual_seed(spec.seed)
    augment = Augmenter(spec.augmentation, generator)
    optimizer = build_optimizer(model.parameters(), recipe)
    schedule = build_schedule(optimizer, recipe)
    stopping = Stopper(recipe.early_stopping)
    monitored = "validation" if "validation" in data.parts else "test"
    part, images = data.parts[monitored], len(data.parts["train"])

    parameters = sum(parameter.numel() for parameter in model.parameters())
    log(f"run        {name}")
    log(f"device     {device.describe(target)}, torch {torch.__version__}")
    log(f"precision  {plan.precision.name}: {plan.precision.reason}")
    log(f"compile    {'on' if plan.compilation.on else 'off'}: {plan.compilation.reason}")
    log(f"model      {parameters:,} parameters")
    log(f"data       {images:,} training images, {len(part):,} {monitored} images")
    log(f"recipe     {specs.plain(recipe)}")

    rows: list[dict] = []
    epoch: Epoch | None = None
    finished = False

    def snapshot() -> dict:
        return {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "generator": generator.get_state(),
            "stopping": [stopping.best, stopping.waited],
            "rows": rows,
            "epoch": epoch.state() if epoch else None,
            "finished": finished,
        }

    saved = state.load(log) if state else None
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        generator.set_state(saved["generator"])
        stopping.best, stopping.waited = saved["stopping"]
        rows = saved["rows"]
        epoch = Epoch.restore(saved["epoch"], target) if saved["epoch"] else None
        finished = saved["finished"]
        log(f"resuming   after epoch {len(rows)}" + (f" and step {epoch.step} of {epoch.steps}" if epoch else ""))
    while not finished:
        if heartbeat:
            heartbeat.beat(rows)
        number = len(rows) + 1
        lr = optimizer.param_groups[0]["lr"]
        epoch = epoch or Epoch.start(images, recipe.batch_size, generator)
        try:
            model.train()
            epoch.run(forward, data.parts["train"], normalize, augment, optimizer, plan.precision, interruption.check)
            started = time.perf_counter()
            with interruption.at_once():
                loss, error = predict.loss_and_error(predict.logits(model, part, normalize), part.labels)
        except InterruptionError as stopped:
            where = f"{name}: {stopped} in epoch {number} after step {epoch.step} of {epoch.steps}"
            if state:
                state.save(snapshot())
                where += f"; saved in {state.path}, run it again to go on"
            raise InterruptionError(where, stopped.number) from None
        except DivergenceError as diverged:
            where = f"in epoch {number}, step {diverged.step} of {epoch.steps}"
            raise _divergence(name, "training", diverged.loss, where, lr, state, snapshot) from None
        if not math.isfinite(loss):
            raise _divergence(name, monitored, loss, f"after epoch {number}", lr, state, snapshot)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the optimiser's steps before this one may be those of a former process
            schedule.step()
        train_loss, train_error = epoch.loss_and_error()
        seconds = epoch.seconds + time.perf_counter() - started
        rows.append(
            {
                "epoch": number,
                "lr": lr,
                "train_loss": train_loss,
                "train_error": train_error,
                f"{monitored}_loss": loss,
                f"{monitored}_error": error,
                "seconds": seconds,
            }
        )
        left = sum(row["seconds"] for row in rows) / number * (recipe.epochs - number)
        log(
            f"epoch {number:>4}/{recipe.epochs}  lr {lr:<8.3g}"
            f"  train loss {train_loss:7.4f} error {train_error:6.2f}%"
            f"  {monitored} loss {loss:7.4f} error {error:6.2f}%  {seconds:7.1f} s  left {duration(left)}"
        )
        finished = number == recipe.epochs
        if monitored == "validation" and stopping.should_stop(error):
            log(f"validation error has not improved for {stopping.waited} epochs: stopping")
            finished = True
        epoch = None
        if state:
            state.save(snapshot())
    return Trained(model, rows)


def _divergence(
    name: str, what: str, loss: float, where: str, lr: float, state: State | None, snapshot: Callable[[], dict]
) -> TrainingError:
    """The error of a loss that is not finite; what there is of the run is kept in a file for a look."""
    kept = f"; the run as it was then is in {state.keep(snapshot())}" if state else ""
    return TrainingError(f"{name}: the {what} loss became {loss} {where}, at lr {lr:g}; try a lower lr{kept}")
