"""The training loop: whole dataset on the device, augmentation there, final-epoch weights always."""

import dataclasses
import math
import os
import time
from collections.abc import Callable

import torch
from torch import nn

from cnntention import checkpoint, device, predict
from cnntention.data import dataset as datasets
from cnntention.data.batches import Augmenter, Normalizer
from cnntention.errors import TrainingError
from cnntention.training import history
from cnntention.training.optimization import EarlyStopping, build_optimizer, build_schedule
from cnntention.training.state import State, key

PRECISION = "fp32"


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model after its last epoch, and the rows of its history."""

    model: nn.Module
    rows: list[dict]

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all epochs."""
        return sum(row["seconds"] for row in self.rows)


def run(
    spec: dict,
    name: str,
    data_path: str | os.PathLike,
    card_path: str | os.PathLike,
    model_path: str | os.PathLike,
    history_path: str | os.PathLike,
    state_path: str | os.PathLike,
    device_name: str = "auto",
    threads: int | None = None,
    log: Callable[[str], None] = print,
) -> Trained:
    """Train one run from files to files, from where a killed process of the same run left off.

    Args:
        spec: of the run, see :meth:`cnntention.study.Study.run_spec`.
        name: of the run, for the log.
        data_path: prepared data.
        card_path: its card.
        model_path: the checkpoint to write.
        history_path: the CSV to write, a row an epoch.
        state_path: written after every epoch, to go on from when the process is killed; removed at the end.
        device_name: as ``machine.device`` in the config.
        threads: CPU threads; None leaves torch's choice.
        log: takes a line of text.

    Raises:
        DataError, DeviceError, TrainingError: see there; nothing is written then.
    """
    target = device.select(device_name, threads)
    data = datasets.load(data_path, card_path, spec["validation_images"], target)
    state = State(state_path, key(spec, data.sha256, target))
    trained = train(spec, data, target, log, name, state)
    training = {
        "seconds": trained.seconds,
        "epochs": len(trained.rows),
        "device": device.describe(target),
        "precision": PRECISION,
    }
    history.write(history_path, trained.rows)
    checkpoint.save(model_path, trained.model, spec, data.class_names, data.sha256, training)
    state.remove()
    last = trained.rows[-1]
    result = ", ".join(f"{key.replace('_', ' ')} {last[key]:.2f}%" for key in last if key.endswith("_error"))
    log(f"finished after {len(trained.rows)} epochs, {_clock(trained.seconds)}: {result}; {model_path}")
    return trained


def train(
    spec: dict,
    data: datasets.Dataset,
    target: torch.device,
    log: Callable[[str], None] = print,
    name: str = "run",
    state: State | None = None,
) -> Trained:
    """Train the model of a spec on ``data.parts["train"]``.

    After each epoch the validation part, or else the test part, is evaluated: for the curves, and for early stopping
    on validation error. The test part never decides anything. Where a state is given, it is saved after each epoch, and
    training goes on from the epoch that it holds.

    Raises:
        TrainingError: the loss became NaN or infinite.
    """
    recipe = spec["recipe"]
    torch.manual_seed(spec["seed"])
    model = checkpoint.build(spec, data.in_channels, len(data.class_names))
    model = model.to(target, memory_format=torch.channels_last)
    normalize = Normalizer(spec["normalization"], data.in_channels, target)
    # Batches and augmentation draw from a generator of their own: models of one seed then see the same images.
    generator = torch.Generator(target).manual_seed(spec["seed"])
    augment = Augmenter(spec["augmentation"], generator)
    optimizer = build_optimizer(model.parameters(), recipe)
    schedule = build_schedule(optimizer, recipe)
    stopping = EarlyStopping(recipe["early_stopping"])
    monitored = "validation" if "validation" in data.parts else "test"

    parameters = sum(parameter.numel() for parameter in model.parameters())
    log(f"run        {name}")
    log(f"device     {device.describe(target)}, precision {PRECISION}, torch {torch.__version__}")
    log(f"model      {parameters:,} parameters")
    log(f"data       {len(data.parts['train']):,} training images, {len(data.parts[monitored]):,} {monitored} images")
    log(f"recipe     {recipe}")

    rows: list[dict] = []
    finished = False
    saved = state.load() if state else None
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        generator.set_state(saved["generator"])
        stopping.best, stopping.waited = saved["stopping"]
        rows = saved["rows"]
        finished = saved["finished"]
        log(f"resuming   after epoch {len(rows)}")
    while not finished:
        epoch = len(rows) + 1
        start = time.perf_counter()
        lr = optimizer.param_groups[0]["lr"]
        train_loss, train_error = _train_epoch(
            model, data.parts["train"], recipe["batch_size"], normalize, augment, optimizer, generator
        )
        schedule.step()
        part = data.parts[monitored]
        loss, error = predict.loss_and_error(predict.logits(model, part, normalize), part.labels)
        for what, value in (("training", train_loss), (monitored, loss)):
            if not math.isfinite(value):
                raise TrainingError(
                    f"{name}: the {what} loss became {value} in epoch {epoch} at lr {lr:g}; try a lower lr"
                )
        rows.append(
            {
                "epoch": epoch,
                "lr": lr,
                "train_loss": train_loss,
                "train_error": train_error,
                f"{monitored}_loss": loss,
                f"{monitored}_error": error,
                "seconds": time.perf_counter() - start,
            }
        )
        left = sum(row["seconds"] for row in rows) / epoch * (recipe["epochs"] - epoch)
        seconds = rows[-1]["seconds"]
        log(
            f"epoch {epoch:>4}/{recipe['epochs']}  lr {lr:<8.3g}"
            f"  train loss {train_loss:7.4f} error {train_error:6.2f}%"
            f"  {monitored} loss {loss:7.4f} error {error:6.2f}%  {seconds:7.1f} s  left {_clock(left)}"
        )
        finished = epoch == recipe["epochs"]
        if monitored == "validation" and stopping.should_stop(error):
            log(f"validation error has not improved for {stopping.waited} epochs: stopping")
            finished = True
        if state:
            state.save(
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                    "stopping": [stopping.best, stopping.waited],
                    "rows": rows,
                    "finished": finished,
                }
            )
    return Trained(model, rows)


def _train_epoch(
    model: nn.Module,
    part: datasets.Part,
    batch_size: int,
    normalize: Normalizer,
    augment: Augmenter,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> tuple[float, float]:
    """One pass in random order; returns mean loss and error in percent. The device is waited for once, at the end."""
    model.train()
    device_of_data = part.labels.device
    loss_sum = torch.zeros((), device=device_of_data)
    wrong = torch.zeros((), dtype=torch.long, device=device_of_data)
    order = torch.randperm(len(part), generator=generator, device=device_of_data)
    for index in order.split(batch_size):
        labels = part.labels[index]
        scores = model(normalize(augment(part.images[index])))
        loss = nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(index)
        wrong += (scores.detach().argmax(1) != labels).sum()
    return loss_sum.item() / len(part), wrong.item() * 100 / len(part)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
