"""Reading and checking the config. Never imports torch, since every ``snakemake`` call runs it."""

import copy
import difflib
import functools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import yaml

from cnntention.attention.registry import catalogue
from cnntention.data.facts import CHANNELS, TEST_IMAGES, TRAIN_IMAGES
from cnntention.data.npz import shapes
from cnntention.errors import ConfigError, DataError
from cnntention.stages import STAGE_CHANNELS

SCHEMA = Path(__file__).with_name("config.schema.yaml")
NPZ_KEYS = ("path", "sha256", "class_names")


def load(*files: str | Path) -> dict:
    """Read YAML files and merge them left to right, as Snakemake does: maps by key, lists and scalars replaced.

    Raises:
        ConfigError: a file is missing, is not YAML, or is not a map.
    """
    merged: dict = {}
    for file in files:
        try:
            content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: not valid YAML: {error}") from None
        if not isinstance(content, dict):
            raise ConfigError(f"{file}: a map of keys is expected, as in config.yaml")
        _merge(merged, content)
    return merged


def _merge(base: dict, update: dict) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)


def complete(config: dict) -> dict:
    """Check a config and return it with the defaults of the schema filled in and entries set to null left out.

    Args:
        config: as read from YAML; it is not changed.

    Raises:
        ConfigError: with one line for each problem, which names the key.
    """
    config = _plain(config)
    problems = list(dict.fromkeys(_describe(error) for error in _errors(_schema(), config)))
    if not problems:
        problems = list(_cross_checks(config))
    if problems:
        raise ConfigError("the config is not valid:\n" + "\n".join(f"  {problem}" for problem in problems))
    return config


def _plain(value: Any) -> Any:
    """A deep copy in plain dicts and lists, since Snakemake hands over ordered dicts, without entries that are null.

    Wherever the schema allows null, null is the default too.
    """
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


# ---- schema


@functools.cache
def _schema() -> dict:
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def _fill_defaults(validator, properties, instance, schema) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if isinstance(subschema, dict) and "default" in subschema:
                instance.setdefault(key, copy.deepcopy(subschema["default"]))
    yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)


def _is_number(_, value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    validators={"properties": _fill_defaults},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        # JSON takes 3.0 for an integer and YAML takes .inf and .nan for numbers: here neither is meant
        {"integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool), "number": _is_number}
    ),
)


def _errors(schema: dict, instance: Any) -> list[jsonschema.ValidationError]:
    return sorted(_Validator(schema).iter_errors(instance), key=lambda error: [str(part) for part in error.path])


def _key(path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


_KINDS = {
    "object": "a map",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a finite number",
    "boolean": "true or false",
    "null": "null",
}


def _describe(error: jsonschema.ValidationError) -> str:
    """One line for a schema violation: the key, what is wrong, what is possible."""
    key = _key(error.absolute_path) or "top level"
    value, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties" if isinstance(rule, bool):
            known = error.schema.get("properties", {})
            unknown = [name for name in value if name not in known]
            return f"{key}: unknown key {', '.join(map(_quoted, unknown))}{_suggest(unknown[0], known)}"
        case "required":
            return f"{key}: {', '.join(_quoted(name) for name in rule if name not in value)} missing"
        case "enum":
            return f"{key}: {value!r} is not possible; one of {', '.join(map(str, rule))}"
        case "type":
            kinds = rule if isinstance(rule, list) else [rule]
            wanted = " or ".join(_KINDS[kind] for kind in kinds)
            return f"{key}: {wanted} is expected, not {value!r}{_yaml_hint(value, kinds)}"
        case "pattern" if rule == _schema()["$defs"]["name"]["pattern"]:
            return f"{key}: {value!r} cannot be a name; letters, digits, '.', '_' and '-', first a letter or digit"
        case "pattern":
            return f"{key}: {value!r} holds characters that are not possible here; it must match {rule}"
        case "uniqueItems":
            return f"{key}: an entry stands here twice"
        case "minItems" | "minProperties":
            return f"{key}: at least {rule} needed, here {len(value)}"
        case "not":
            return f"{key}: not possible with kind: recipes"
    return f"{key}: {error.message}"


def _quoted(name: Any) -> str:
    return f"'{name}'"


def _suggest(name: Any, known) -> str:
    close = difflib.get_close_matches(str(name), [str(entry) for entry in known], n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; possible are {', '.join(sorted(map(str, known)))}" if known else ""


def _yaml_hint(value: Any, kinds: list[str]) -> str:
    if isinstance(value, str) and {"number", "integer"} & set(kinds):
        try:
            number = float(value)
        except ValueError:
            return ""
        return f": to YAML this is text; write {number!r} without quotes, and 1.0e-4 rather than 1e-4"
    return ""


# ---- checks across keys


def _cross_checks(config: dict) -> Iterator[str]:
    """All problems that take more than one key to see, a line each."""
    for source, addresses in config["machine"]["mirrors"].items():
        yield from _check_addresses(f"machine.mirrors.{source}", addresses)
    for name, dataset in config["datasets"].items():
        yield from _check_dataset(f"datasets.{name}", dataset)
    for name, recipe in config["recipes"].items():
        yield from _check_recipe(f"recipes.{name}", recipe)
    for name, model in config["models"].items():
        yield from _check_model(f"models.{name}", model, config["recipes"])
    for name, table in config["tables"].items():
        yield from _check_table(f"tables.{name}", table, config)
    for name, figure in config["figures"].items():
        yield from _check_figure(f"figures.{name}", figure, config)
    for name, grid in config["gradcam"].items():
        yield from _check_grid(f"gradcam.{name}", name, grid, config)


def _check_addresses(key: str, addresses: list[str]) -> Iterator[str]:
    for address in addresses:
        try:
            valid = bool(urlsplit(address).hostname) and urlsplit(address).port != 0
        except ValueError:
            valid = False
        if not valid:
            yield f"{key}: {address!r} is not an address"


def _check_dataset(key: str, dataset: dict) -> Iterator[str]:
    source = dataset["source"]
    for name in NPZ_KEYS:
        if name in dataset and source != "npz":
            yield f"{key}.{name}: not possible with source: {source}"
    if source == "npz":
        if "path" not in dataset:
            yield f"{key}.path: missing; source: npz needs the path of an .npz file"
            return
        try:
            images, *size = shapes(dataset["path"])["x_train"]
        except DataError as error:
            yield f"{key}.path: {error}"
            return
        channels = size[2] if len(size) == 3 else 1
    else:
        images, channels = TRAIN_IMAGES[source], CHANNELS[source]
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


def _check_model(key: str, model: dict, recipes: dict) -> Iterator[str]:
    yield from _known(f"{key}.recipe", model["recipe"], recipes)
    if (model["depth"] - 2) % 6:
        yield f"{key}.depth: {model['depth']} is not 6n+2, as for three equal stages (20, 32, 44, 56, 110...)"
    attention = model["attention"]
    if attention is None:
        return
    blocks = catalogue()
    if attention["block"] not in blocks:
        hint = _suggest(attention["block"], blocks)
        yield f"{key}.attention.block: no block registers the name '{attention['block']}'{hint}"
        return
    options = blocks[attention["block"]].options
    schema = {"type": "object", "additionalProperties": False, "properties": options}
    errors = _errors(schema, attention["options"])
    for error in errors:
        error.path.extendleft(reversed([*key.split(".", 1), "attention", "options"]))
        yield _describe(error)
    if errors:
        return
    for name, value in attention["options"].items():
        uneven = [channels for channels in STAGE_CHANNELS if options[name].get("divides_channels") and channels % value]
        if uneven:
            yield f"{key}.attention.options.{name}: {value} does not divide the {uneven[0]} channels of a stage"


def _known(key: str, names: str | list[str], known: dict) -> Iterator[str]:
    for name in [names] if isinstance(names, str) else names:
        if name not in known:
            yield f"{key}: unknown name '{name}'{_suggest(name, known)}"


def run_problems(key: str, entry: dict, datasets: list[str], config: dict) -> Iterator[str]:
    """What keeps runs of ``entry["models"]`` on ``entry["split"]`` of datasets from being trained, a line each."""
    yield from _known(f"{key}.models", entry["models"], config["models"])
    for dataset in datasets:
        if dataset not in config["datasets"]:
            continue
        if entry["split"] == "tune" and not config["datasets"][dataset]["validation_images"]:
            yield f"{key}.split: 'tune' needs datasets.{dataset}.validation_images above 0"
    if entry["split"] == "full":
        for name in entry["models"]:
            recipe = config["recipes"].get(config["models"].get(name, {}).get("recipe"), {})
            if recipe.get("early_stopping"):
                yield (
                    f"{key}.split: models.{name} stops early on validation error, and split 'full' has no validation "
                    f"images; use split 'tune' or a recipe with early_stopping: null"
                )


def _check_table(key: str, table: dict, config: dict) -> Iterator[str]:
    if table["kind"] == "recipes":
        yield from _known(f"{key}.models", table["models"], config["models"])
        return
    yield from _known(f"{key}.datasets", table["datasets"], config["datasets"])
    yield from run_problems(key, table, table["datasets"], config)
    if "reference" in table and table["reference"] not in table["models"]:
        yield f"{key}.reference: '{table['reference']}' is none of the table's models"


def _check_figure(key: str, figure: dict, config: dict) -> Iterator[str]:
    yield from _known(f"{key}.datasets", figure["datasets"], config["datasets"])
    yield from run_problems(key, figure, figure["datasets"], config)
    absent = "validation" if figure["split"] == "full" else "test"
    for curve in figure["curves"]:
        if curve.startswith(absent):
            yield f"{key}.curves: split '{figure['split']}' has no {curve}"
    if len({curve.rpartition("_")[2] for curve in figure["curves"]}) > 1 and figure["panels"] != "curve":
        yield f"{key}.panels: errors and losses share no axis; use panels: curve, or curves of one kind"


def _check_grid(key: str, name: str, grid: dict, config: dict) -> Iterator[str]:
    if name not in config["datasets"]:
        yield from _known(key, name, config["datasets"])
        return
    yield from run_problems(key, grid, [name], config)
    dataset = config["datasets"][name]
    if dataset["source"] == "npz":
        try:
            images = shapes(dataset["path"])["x_test"][0]
        except (KeyError, DataError):
            return  # reported with the dataset
    else:
        images = TEST_IMAGES[dataset["source"]]
    beyond = [index for index in grid["images"] if index >= images]
    if beyond:
        yield f"{key}.images: {beyond[0]} lies beyond the {images} test images, 0 to {images - 1}"
