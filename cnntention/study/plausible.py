"""Numbers of the config on another scale than is meant: refused where nobody can mean them, else remarked on."""

from collections.abc import Iterable, Iterator

from cnntention.base.layout import Run
from cnntention.data import source
from cnntention.data.source import Known
from cnntention.data.split import validation_images

GREY_LEVEL = 1 / 255
LONG = 1000
"""Epochs; the paper trains for 182."""


def dataset_problems(key: str, dataset: dict, known: Known) -> Iterator[str]:
    """What cannot be meant in a dataset's entry, a line each."""
    channels = known.image_shape[2]
    for name, values in (dataset["normalization"] or {}).items():
        if len(values) != channels:
            yield f"{key}.normalization.{name}: {len(values)} values for images of {channels} channel(s)"
        for number, value in enumerate(values):
            problem = _of_unit_scale(name, value)
            if problem:
                yield f"{key}.normalization.{name}[{number}]: {problem}"
    height, width = _size(dataset, known)
    padding = dataset["augmentation"]["crop_padding"]
    if padding >= min(height, width):
        yield (
            f"{key}.augmentation.crop_padding: with {padding} zeros on each side a crop may show nothing of an image "
            f"of {height}x{width} pixels"
        )
    if known.validation and dataset["validation_images"] not in (0, known.validation):
        yield (
            f"{key}.validation_images: {known.validation:,} pictures are set aside for validation; "
            f"only {known.validation} is possible, or 0 to train on all"
        )
    images, classes = known.images["train"], len(known.class_names or ["any"])
    left = images - dataset["validation_images"]
    if left < classes:
        what = "none" if left <= 0 else f"{left}, fewer than there are classes,"
        yield f"{key}.validation_images: {dataset['validation_images']} leaves {what} of {images} images to train on"


def _of_unit_scale(name: str, value: float) -> str | None:
    """What is wrong with a mean or standard deviation of pixels in [0, 1]."""
    if value > 1:
        remedy = f"divide by 255: {value / 255:.4g}" if value <= 255 else "divide by the value of white"
        return f"{value:g} is on another scale; pixels are in [0, 1] here, so {remedy}"
    if name == "mean" and value < 0:
        return f"{value:g} is no mean of pixels, which are in [0, 1] here"
    if name == "std" and value < GREY_LEVEL:
        return f"{value:g} is less than one grey level, {GREY_LEVEL:.4f}; pixels are in [0, 1] here"
    return None


def recipe_problems(key: str, recipe: dict) -> Iterator[str]:
    """What cannot be meant in a recipe, a line each."""
    lr, decay, momentum = recipe["lr"], recipe["weight_decay"], recipe.get("momentum", 0)
    if lr > 100:
        yield f"{key}.lr: {lr:g} makes every loss infinite; at most 100 is possible"
    if decay > 1:
        yield f"{key}.weight_decay: {decay:g} leaves nothing but decay; at most 1 is possible"
    elif recipe["optimizer"] == "sgd" and lr * decay >= 1:
        yield f"{key}.weight_decay: {decay:g} with lr {lr:g} takes the weights away whole in each step"
    if momentum > 0.999:
        yield f"{key}.momentum: {momentum:g} averages over {1 / (1 - momentum):,.0f} steps; at most 0.999 is possible"


def remarks(config: dict, runs: Iterable[Run]) -> Iterator[str]:
    """What a user may not mean, a line each.

    Args:
        config: complete and without problems.
        runs: that it asks for.
    """
    if (config["epochs"] or 0) > LONG:
        yield f"epochs: {config['epochs']:,} is long"
    known = {name: source.of(dataset).known() for name, dataset in config["datasets"].items()}
    for name, dataset in config["datasets"].items():
        yield from _of_dataset(f"datasets.{name}", dataset, known[name])
    for name, recipe in config["recipes"].items():
        yield from _of_recipe(f"recipes.{name}", recipe)
    trained = (run for run in runs if "recipe" in config["models"][run.model])
    yield from dict.fromkeys(line for run in trained for line in _of_run(run, config, known))


def _of_dataset(key: str, dataset: dict, known: Known) -> Iterator[str]:
    for remark in known.remarks:
        yield f"{key}: {remark}"
    height, width = _size(dataset, known)
    padding = dataset["augmentation"]["crop_padding"]
    if 2 * padding > min(height, width):
        yield f"{key}.augmentation.crop_padding: {padding} cuts off more than half of some images of {height}x{width}"
    if dataset["image_size"] and dataset["image_size"] > 4 * max(known.image_shape[:2]):
        was = f"{known.image_shape[0]}x{known.image_shape[1]}"
        yield f"{key}.image_size: {dataset['image_size']} enlarges images of {was} more than four times"
    held_out, images = dataset["validation_images"], known.images["train"]
    if 2 * held_out > images:
        yield f"{key}.validation_images: {held_out:,} of {images:,} leave the smaller part to train on"
    if 0 < held_out < 100:
        yield f"{key}.validation_images: one of {held_out} is {100 / held_out:.1f}% of the validation accuracy"
    if (dataset["epochs"] or 0) > LONG:
        yield f"{key}.epochs: {dataset['epochs']:,} is long"
    if not 0.01 <= dataset["lr_factor"] <= 100:
        yield f"{key}.lr_factor: {dataset['lr_factor']:g} changes learning rates more than a hundredfold"


def _of_recipe(key: str, recipe: dict) -> Iterator[str]:
    lr, momentum = recipe["lr"], recipe.get("momentum", 0)
    high = 0.1 if recipe["optimizer"] == "adam" else 2
    if lr > high:
        yield f"{key}.lr: {lr:g} is high for {recipe['optimizer']}"
    if lr < 1e-7:
        yield f"{key}.lr: {lr:g} hardly moves the weights"
    if recipe["weight_decay"] > 0.1:
        yield f"{key}.weight_decay: {recipe['weight_decay']:g} is high"
    if momentum > 0.99:
        yield f"{key}.momentum: {momentum:g} averages over {1 / (1 - momentum):,.0f} steps"
    if recipe["milestones"] and recipe["gamma"] == 1:
        yield f"{key}.gamma: 1 leaves the learning rate as it is at the milestones"
    if recipe["milestones"] and recipe["gamma"] < 0.001:
        yield f"{key}.gamma: {recipe['gamma']:g} ends learning at the first milestone"
    if recipe["epochs"] > LONG:
        yield f"{key}.epochs: {recipe['epochs']:,} is long"
    if recipe["early_stopping"] and recipe["early_stopping"]["patience"] >= recipe["epochs"]:
        yield f"{key}.early_stopping.patience: {recipe['early_stopping']['patience']} epochs never pass before the end"


def _of_run(run: Run, config: dict, known: dict[str, Known]) -> Iterator[str]:
    recipe = config["models"][run.model]["recipe"]
    batch_size = config["recipes"][recipe]["batch_size"]
    held_out = validation_images(run.split, config["datasets"][run.dataset]["validation_images"])
    images = known[run.dataset].images["train"] - held_out
    if batch_size > images:
        yield f"recipes.{recipe}.batch_size: {batch_size:,} is more than {run.dataset} has training images, {images:,}"


def _size(dataset: dict, known: Known) -> tuple[int, int]:
    size = dataset["image_size"]
    return (size, size) if size else known.image_shape[:2]
