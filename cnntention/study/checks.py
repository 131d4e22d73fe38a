"""Checks that need more than one key of a config, or a look at a file's header."""

import math
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cnntention.base.errors import DataError
from cnntention.base.names import unknown
from cnntention.data import source, split
from cnntention.reporting import figures, grid, tables
from cnntention.reporting.instruments import spec as instruments
from cnntention.study import plausible
from cnntention.study.blocks import block_problems


def cross_checks(config: dict, given: dict) -> Iterator[str]:
    """All problems that only several keys together show, a line for each.

    Args:
        config: without entries that are null.
        given: with them.
    """
    for key, path in (("results", config["results"]), ("machine.downloads", config["machine"]["downloads"])):
        yield from _check_folder(key, path)
    for name, addresses in config["machine"]["mirrors"].items():
        yield from _check_addresses(f"machine.mirrors.{name}", addresses)
    for name, dataset in config["datasets"].items():
        yield from _check_dataset(f"datasets.{name}", dataset)
    for name, recipe in config["recipes"].items():
        yield from _check_recipe(f"recipes.{name}", recipe, made=name not in given["recipes"])
        for dataset in config["datasets"].values():
            yield from _check_warmup(f"recipes.{name}.schedule.warmup", recipe, dataset, config["epochs"])
    for name, model in config["models"].items():
        yield from _check_model(f"models.{name}", model, given["models"][name])
        yield from _check_origin(f"models.{name}", model, config)
        yield from _check_start(f"models.{name}.start", model, config["models"])
        yield from _check_control(f"models.{name}.stands_for", name, model["stands_for"], config["models"])
    for section in ("datasets", "models"):
        yield from _check_labels(section, config[section])
    for section, kinds in (("tables", tables.KINDS), ("figures", figures.KINDS)):
        for name, stanza in config[section].items():
            yield from kinds[stanza["kind"]].check(f"{section}.{name}", stanza, config, given)
    for name, stanza in config["gradcam"].items():
        if name in config["datasets"]:
            images = _images(config["datasets"][name])
            yield from grid.check(f"gradcam.{name}", name, stanza, config, images["test"] if images else None)
        else:
            yield from unknown(f"gradcam.{name}", name, config["datasets"])
    for name, stanza in config["instruments"].items():
        judging = {
            dataset: _judging_images(config["datasets"].get(dataset), stanza["split"]) for dataset in stanza["datasets"]
        }
        yield from instruments.check(f"instruments.{name}", stanza, config, judging)


def _check_folder(key: str, path: str) -> Iterator[str]:
    for folder in (Path(path), *Path(path).parents):
        try:
            is_folder = stat.S_ISDIR(folder.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it will be made, or a parent is reported
        except OSError as error:
            yield f"{key}: {error.strerror}"
            return
        if not is_folder:
            yield f"{key}: {folder} is a file; a folder is needed"


def _check_addresses(key: str, addresses: list[str]) -> Iterator[str]:
    for address in addresses:
        try:
            valid = bool(urlsplit(address).hostname) and urlsplit(address).port != 0
        except ValueError:
            valid = False
        if not valid:
            yield f"{key}: {address!r} is not an address"


def _check_dataset(key: str, dataset: dict) -> Iterator[str]:
    cls = source.catalogue()[dataset["source"]]
    strange = {name for each in source.catalogue().values() for name in source.keys(each)} - set(source.keys(cls))
    for name in sorted(strange & set(dataset)):
        yield f"{key}.{name}: not possible with source: {dataset['source']}"
    missing = [name for name in source.required(cls) if name not in dataset]
    for name in missing:
        yield f"{key}.{name}: missing; source: {dataset['source']} needs it"
    if missing:
        return
    try:
        known = source.of(dataset).known()
    except DataError as error:
        yield f"{key}.{source.required(cls)[0]}: {error}"
        return
    yield from plausible.dataset_problems(key, dataset, known)


def _check_recipe(key: str, recipe: dict, made: bool) -> Iterator[str]:
    """Made: by a grid, whose scaled milestones may meet at one epoch, as those of ``epochs`` may."""
    yield from plausible.recipe_problems(key, recipe)
    if "momentum" in recipe and recipe["optimizer"] != "sgd":
        yield f"{key}.momentum: only for optimizer: sgd"
    if recipe["nesterov"] and not recipe.get("momentum"):
        yield f"{key}.nesterov: only for optimizer: sgd with a momentum above 0"
    if recipe["schedule"] and recipe["milestones"]:
        kind = recipe["schedule"]["kind"]
        yield f"{key}.milestones: not possible with schedule: {kind}, which anneals by itself; set []"
    if sorted(recipe["milestones"] if made else set(recipe["milestones"])) != recipe["milestones"]:
        yield f"{key}.milestones: must ascend"
    if any(milestone > recipe["epochs"] for milestone in recipe["milestones"]):
        yield f"{key}.milestones: {max(recipe['milestones'])} lies past the last epoch, {recipe['epochs']}"


def _check_warmup(key: str, recipe: dict, dataset: dict, epochs: int | None) -> Iterator[str]:
    """A dataset may be so small that the learning rate has no step to rise over."""
    images = _images(dataset)
    if not recipe["schedule"] or images is None:
        return
    of_epoch = math.ceil((images["train"] - dataset["validation_images"]) / recipe["batch_size"])
    steps = of_epoch * (dataset["epochs"] or epochs or recipe["epochs"])
    if recipe["schedule"]["warmup"] * steps <= 1:
        yield (
            f"{key}: {recipe['schedule']['warmup']:g} of the {steps} steps on {dataset['label']} is not more than one, "
            "so the learning rate cannot rise"
        )


def _check_origin(key: str, model: dict, config: dict) -> Iterator[str]:
    """Where a model's weights come from: a training here, or elsewhere."""
    if "weights" not in model:
        if "recipe" in model:
            yield from unknown(f"{key}.recipe", model["recipe"], config["recipes"])
        else:
            yield f"{key}: 'recipe' missing, or 'weights'"
        return
    if "recipe" in model:
        yield f"{key}.weights: not possible beside a recipe; set recipe: null"
    if len(config["seeds"]) > 1:
        yield f"{key}.weights: a network each, so seeds must hold one, not {len(config['seeds'])}"
    yield from unknown(f"{key}.weights", model["weights"], config["datasets"])
    for name, weights in model["weights"].items():
        place = f"{key}.weights.{name}"
        if not Path(weights["path"]).is_file():
            where = f"; it is to be had from {weights['source']}" if "source" in weights else ""
            yield f"{place}.path: {weights['path']}: no such file{where}"
        for number, (pattern, _) in enumerate(weights["rename"]):
            try:
                re.compile(pattern)
            except re.error as error:
                yield f"{place}.rename[{number}]: '{pattern}' is no regular expression: {error}"


def _check_model(key: str, model: dict, given: dict) -> Iterator[str]:
    if (model["depth"] - 2) % 6:
        yield f"{key}.depth: {model['depth']} is not 6n+2, as for three equal stages (20, 32, 44, 56, 110...)"
    if sorted(model["widths"]) != model["widths"]:
        yield f"{key}.widths: must not descend; a shortcut without weights can add channels and not leave any out"
    attention = model["attention"]
    if attention is None:
        return
    if sorted(attention["stages"]) != attention["stages"]:
        yield f"{key}.attention.stages: must ascend"
    widths = [model["widths"][stage - 1] for stage in attention["stages"]]
    yield from block_problems(f"{key}.attention", attention, given["attention"], widths)


def _check_control(key: str, name: str, stands_for: list[str], models: dict) -> Iterator[str]:
    yield from unknown(key, stands_for, models)
    if name in stands_for:
        yield f"{key}: '{name}' is the control itself"


def _check_start(key: str, model: dict, models: dict) -> Iterator[str]:
    start = model["start"]
    if start is None:
        return
    if "weights" in model:
        yield f"{key}: not possible beside weights, which are complete"
    if start["train"] == "attention" and model["attention"] is None:
        yield f"{key}.train: the model has no attention to train; use all"
    if start["model"] not in models:
        yield from unknown(f"{key}.model", start["model"], models)
        return
    other = models[start["model"]]
    if other["attention"] is not None:
        yield f"{key}.model: '{start['model']}' has attention; only the weights of a model without can be taken over"
    if other["start"] is not None:
        yield f"{key}.model: '{start['model']}' has a start itself; take one that begins with random weights"
    for what in ("depth", "widths"):
        if other[what] != model[what]:
            yield f"{key}.model: {what} of '{start['model']}' is {other[what]}, and here {model[what]}"


def _check_labels(section: str, entries: dict) -> Iterator[str]:
    """Two of one label would be two rows or curves that nobody can tell apart."""
    owners: dict[str, str] = {}
    for name, entry in sorted(entries.items()):
        owner = owners.setdefault(" ".join(entry["label"].split()), name)
        if owner != name:
            yield f"{section}.{name}.label: '{entry['label']}' is the label of {section}.{owner} too"


def _judging_images(dataset: dict | None, name: str) -> int | None:
    """How many images judge runs of a split; None where that is not known, which is reported with the dataset."""
    if dataset is None:
        return None
    part = split.judging_part(name)
    if part == "validation":
        return dataset["validation_images"]
    images = _images(dataset)
    return images[part] if images else None


def _images(dataset: dict) -> dict[str, int] | None:
    """Of a dataset, by part; None where its file cannot be read, which is reported with the dataset."""
    try:
        return source.of(dataset).known().images
    except (ValueError, DataError):
        return None
