"""Checks of a config that take more than one key to see, or a look at a file's header."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cnntention.attention.registry import catalogue
from cnntention.base.errors import DataError
from cnntention.base.names import suggest, unknown
from cnntention.data import source, split
from cnntention.network.specs import WIDTHS
from cnntention.study.schema import problems, unknown_keys


def cross_checks(config: dict, given: dict) -> Iterator[str]:
    """All problems that take more than one key to see, a line each.

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
        yield from _check_recipe(f"recipes.{name}", recipe)
    for name, model in config["models"].items():
        yield from _check_model(f"models.{name}", model, given["models"][name], config["recipes"])
    for name, table in config["tables"].items():
        yield from _check_table(f"tables.{name}", table, config)
        yield from _check_published(f"tables.{name}.published", table, given)
    for name, figure in config["figures"].items():
        yield from _check_figure(f"figures.{name}", figure, config)
    for name, grid in config["gradcam"].items():
        yield from _check_grid(f"gradcam.{name}", name, grid, config)


def _check_folder(key: str, path: str) -> Iterator[str]:
    for folder in (Path(path), *Path(path).parents):
        try:
            is_folder = stat.S_ISDIR(folder.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it is made, or a parent is reported
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
    images, channels = known.images["train"], known.image_shape[2]
    if dataset["validation_images"] >= images:
        held_out = dataset["validation_images"]
        yield f"{key}.validation_images: {held_out} leaves none of {images} images to train on"
    for name, values in (dataset["normalization"] or {}).items():
        if len(values) != channels:
            yield f"{key}.normalization.{name}: {len(values)} values for images of {channels} channel(s)"


def _check_recipe(key: str, recipe: dict) -> Iterator[str]:
    if "momentum" in recipe and recipe["optimizer"] != "sgd":
        yield f"{key}.momentum: only for optimizer: sgd"
    if sorted(set(recipe["milestones"])) != recipe["milestones"]:
        yield f"{key}.milestones: must ascend"
    if any(milestone > recipe["epochs"] for milestone in recipe["milestones"]):
        yield f"{key}.milestones: {max(recipe['milestones'])} lies past the last epoch, {recipe['epochs']}"


def _check_model(key: str, model: dict, given: dict, recipes: dict) -> Iterator[str]:
    yield from unknown(f"{key}.recipe", model["recipe"], recipes)
    if (model["depth"] - 2) % 6:
        yield f"{key}.depth: {model['depth']} is not 6n+2, as for three equal stages (20, 32, 44, 56, 110...)"
    attention = model["attention"]
    if attention is None:
        return
    blocks = catalogue()
    if attention["block"] not in blocks:
        hint = suggest(attention["block"], blocks)
        yield f"{key}.attention.block: no block registers the name '{attention['block']}'{hint}"
        return
    place = f"{key}.attention.options"
    options = blocks[attention["block"]].options
    schema = {"type": "object", "additionalProperties": False, "properties": options}
    # null takes away what another block's stanza has set, and no mistyped key
    schema_of_all = schema | {"properties": {name: {} for block in blocks.values() for name in block.options}}
    unfit = problems(schema, attention["options"], place)
    unfit = unfit or unknown_keys(schema_of_all, given["attention"].get("options") or {}, place)
    if unfit:
        yield from unfit
        return
    for name, value in attention["options"].items():
        uneven = [channels for channels in WIDTHS if options[name].get("divides_channels") and channels % value]
        if uneven:
            yield f"{place}.{name}: {value} does not divide the {uneven[0]} channels of a stage"


def run_problems(key: str, entry: dict, datasets: list[str], config: dict) -> Iterator[str]:
    """What keeps runs of ``entry["models"]`` on ``entry["split"]`` of datasets from being trained, a line each."""
    yield from unknown(f"{key}.models", entry["models"], config["models"])
    validates = split.judging_part(entry["split"]) == "validation"
    for dataset in datasets:
        if dataset not in config["datasets"]:
            continue
        if validates and not config["datasets"][dataset]["validation_images"]:
            yield f"{key}.split: '{entry['split']}' needs datasets.{dataset}.validation_images above 0"
    if not validates:
        for name in entry["models"]:
            recipe = config["recipes"].get(config["models"].get(name, {}).get("recipe"), {})
            if recipe.get("early_stopping"):
                yield (
                    f"{key}.split: models.{name} stops early on validation error, and split '{entry['split']}' has no "
                    "validation images; use split 'tune' or a recipe with early_stopping: null"
                )


def _check_table(key: str, table: dict, config: dict) -> Iterator[str]:
    if table["kind"] == "recipes":
        yield from unknown(f"{key}.models", table["models"], config["models"])
        return
    if table["kind"] == "claims":
        for name, claim in table["claims"].items():
            yield from _check_claim(f"{key}.claims.{name}", claim, config)
        return
    yield from unknown(f"{key}.datasets", table["datasets"], config["datasets"])
    yield from run_problems(key, table, table["datasets"], config)
    if table["kind"] == "attention":
        for model in table["models"]:
            if model in config["models"] and config["models"][model]["attention"] is None:
                yield f"{key}.models: '{model}' has no attention"
    if "reference" in table and table["reference"] not in table["models"]:
        yield f"{key}.reference: '{table['reference']}' is none of the table's models"


def _check_claim(key: str, claim: dict, config: dict) -> Iterator[str]:
    yield from unknown(f"{key}.dataset", claim["dataset"], config["datasets"])
    for side in ("model", "than"):
        yield from unknown(f"{key}.{side}", claim[side], config["models"])
    known = [claim[side] for side in ("model", "than") if claim[side] in config["models"]]
    yield from run_problems(key, {"models": known, "split": claim["split"]}, [claim["dataset"]], config)
    if claim["model"] == claim["than"]:
        yield f"{key}.than: '{claim['than']}' is the same model"


def _check_published(key: str, table: dict, given: dict) -> Iterator[str]:
    """An overlay that takes a model or dataset away leaves what is published of it, which then is no typo."""
    if table["kind"] == "recipes":
        yield from unknown(key, table["published"], given["models"])
        return
    if table["kind"] == "claims":
        if table["published"]:
            yield f"{key}: not possible with kind: claims, each of which has its own"
        return
    yield from unknown(key, table["published"], given["datasets"])
    for dataset, values in table["published"].items():
        yield from unknown(f"{key}.{dataset}", values, given["models"])


def _check_figure(key: str, figure: dict, config: dict) -> Iterator[str]:
    yield from unknown(f"{key}.datasets", figure["datasets"], config["datasets"])
    yield from run_problems(key, figure, figure["datasets"], config)
    for curve in figure["curves"]:
        if curve.partition("_")[0] not in split.parts_with_curves(figure["split"]):
            yield f"{key}.curves: split '{figure['split']}' has no {curve}"
    if len({curve.rpartition("_")[2] for curve in figure["curves"]}) > 1 and figure["panels"] != "curve":
        yield f"{key}.panels: errors and losses share no axis; use panels: curve, or curves of one kind"


def _check_grid(key: str, name: str, grid: dict, config: dict) -> Iterator[str]:
    if name not in config["datasets"]:
        yield from unknown(key, name, config["datasets"])
        return
    yield from run_problems(key, grid, [name], config)
    try:
        images = source.of(config["datasets"][name]).known().images["test"]
    except (ValueError, DataError):
        return  # reported with the dataset
    beyond = [index for index in grid["images"] if index >= images]
    if beyond:
        yield f"{key}.images: {beyond[0]} lies beyond the {images} test images, 0 to {images - 1}"
