"""Grids: a stanza of the config that stands for many models, one for each combination of values.

``over`` has a list of values for each key of a model, such as ``depth`` or ``attention.options.heads``; a key that
begins with ``recipe.`` is one of the model's recipe, of which the grid makes variants likewise. Each model is named
after its values, and where they are those of the model itself, it is that model, which is then not trained twice.
"""

import colorsys
import copy
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from cnntention.base.names import unknown
from cnntention.reporting.cells import Cell, text, word
from cnntention.study.schedule import scaled

RECIPE = "recipe."
DARKEST, LIGHTEST = 0.12, 0.9
"""Between these lightnesses lie the shades of a model's colour."""


def expand(config: dict) -> Iterator[str]:
    """Add the models and recipes that the grids stand for, and a list of its ``cells`` to each grid, and to each table
    and figure of a ``grid``; put these models where a table, figure, Grad-CAM grid or instrument names a grid
    among its ``models``.

    Args:
        config: fits the schema, with its defaults; it is changed.

    Yields:
        What keeps a grid from being made, a line each.
    """
    own = set(config["models"])
    for name, grid in config["grids"].items():
        grid["cells"] = []
        problems = list(_problems(f"grids.{name}", name, grid, config, own))
        yield from problems
        for of in grid["models"] if not problems else ():
            yield from _vary(f"grids.{name}", grid, of, config, own)
    for section in ("tables", "figures", "gradcam", "instruments"):
        for stanza in config[section].values():
            if "models" in stanza:
                stanza["models"] = _named(stanza["models"], config["grids"])
            if "grid" in stanza:
                stanza["cells"] = config["grids"].get(stanza["grid"], {"cells": []})["cells"]


def _problems(key: str, name: str, grid: dict, config: dict, own: set[str]) -> Iterator[str]:
    if name in own:
        yield f"{key}: models.{name} has this name already"
    if f"{RECIPE}epochs" in grid["over"] and config["epochs"]:
        yield f"{key}.over.{RECIPE}epochs: changes nothing beside epochs: {config['epochs']}; set that to null"
    if "recipe" in grid["over"]:
        yield from unknown(f"{key}.over.recipe", map(str, grid["over"]["recipe"]), config["recipes"])
    for of in grid["models"]:
        if of not in own:
            yield from unknown(f"{key}.models", of, own)
        elif "recipe" not in config["models"][of]:
            yield f"{key}.models: models.{of} has no recipe, and so no variants are trained"
        elif config["models"][of]["recipe"] not in config["recipes"]:
            yield from unknown(f"models.{of}.recipe", config["models"][of]["recipe"], config["recipes"])
        else:
            for path in grid["over"]:
                yield from _without_place(f"{key}.over.{path}", of, path, grid["over"].get("recipe"), config)


def _without_place(key: str, of: str, path: str, recipes: list[str] | None, config: dict) -> Iterator[str]:
    """A line where a model, or one of the recipes that it is to have, has nothing that the key could be a part of."""
    model = config["models"][of]
    *parents, _ = path.split(".")
    owners = [(f"models.{of}", model)]
    if parents[:1] == ["recipe"]:
        parents = parents[1:]
        names = recipes or [model["recipe"]]
        owners = [(f"recipes.{name}", config["recipes"][name]) for name in names if name in config["recipes"]]
    for owner, keys in owners:
        if lacking := _lacking(keys, parents):
            yield f"{key}: {owner} has no {lacking}"


def _lacking(found: Any, parents: list[str]) -> str:
    """The first of the nested keys that is not there, with those before it; empty: all are."""
    for number, part in enumerate(parents, start=1):
        found = found.get(part)
        if not isinstance(found, dict):
            return ".".join(parents[:number])
    return ""


def _vary(key: str, grid: dict, of: str, config: dict, own: set[str]) -> Iterator[str]:
    """Add one model's cells of a grid; a line for each whose name is taken."""
    models, recipes = config["models"], config["recipes"]
    varied = [(values, *_varied(models[of], values, recipes)) for values in _combinations(grid["over"])]
    same = [model == models[of] and recipe == recipes[model["recipe"]] for _, model, recipe in varied]
    for number, (values, model, recipe) in enumerate(varied):
        if same[number]:
            grid["cells"].append(dataclasses.asdict(Cell(of, of, values)))
            continue
        name = "-".join([of, *(word(path, value) for path, value in values.items())])
        model |= {
            "label": ", ".join([model["label"], *(text(path, value) for path, value in values.items())]),
            "color": _shade(model["color"], number, len(varied), same.index(True) if any(same) else None),
            "stands_for": [],
        }
        if name in own or _trained(models.setdefault(name, model)) != _trained(model):
            yield f"{key}: makes a model '{name}', but there is another one of that name"
        if recipes.setdefault(model["recipe"], recipe) != recipe:
            yield f"{key}: makes a recipe '{model['recipe']}', but there is another one of that name"
        grid["cells"].append(dataclasses.asdict(Cell(name, of, values)))


def _combinations(over: dict[str, list]) -> Iterator[dict[str, Any]]:
    keys = sorted(over)  # the order of keys in the YAML changes no name
    for values in itertools.product(*(over[key] for key in keys)):
        yield dict(zip(keys, values, strict=True))


def _varied(model: dict, values: dict[str, Any], recipes: dict) -> tuple[dict, dict]:
    """A model with other values, and its recipe."""
    model = copy.deepcopy(model)
    of_recipe = {key.removeprefix(RECIPE): value for key, value in values.items() if key.startswith(RECIPE)}
    for key, value in values.items():
        if not key.startswith(RECIPE):
            _put(model, key, value)
    recipe = copy.deepcopy(recipes[model["recipe"]])
    if isinstance(of_recipe.get("epochs"), int):  # else the schema will refuse it
        recipe = scaled(recipe, of_recipe["epochs"])
    for key, value in of_recipe.items():
        _put(recipe, key, value)
    if recipe != recipes[model["recipe"]]:
        model["recipe"] = "-".join([model["recipe"], *(word(key, value) for key, value in of_recipe.items())])
    return model, recipe


def _put(found: dict, key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        found = found[part]
    found[last] = copy.deepcopy(value)


def _trained(model: dict) -> dict:
    """A model without what its grid alone has given it."""
    return {key: value for key, value in model.items() if key not in ("label", "color")}


def _shade(color: str, number: int, count: int, same: int | None) -> str:
    """The colour in one of so many shades, from dark to light; number ``same`` is the colour itself."""
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, own, saturation = colorsys.rgb_to_hls(red, green, blue)
    if same is None:
        lightness = DARKEST + (LIGHTEST - DARKEST) * (number + 1) / (count + 1)
    elif number < same:
        lightness = DARKEST + (own - DARKEST) * (number + 1) / (same + 1)
    else:
        lightness = own + (LIGHTEST - own) * (number - same) / (count - same)
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))


def _named(models: list[str], grids: dict) -> list[str]:
    """Names of models, those of a grid's instead of the grid's, each once."""
    found = [[cell["model"] for cell in grids[name]["cells"]] if name in grids else [name] for name in models]
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))
