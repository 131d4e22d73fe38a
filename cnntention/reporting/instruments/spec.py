"""A stanza of the config's section ``instruments``: one instrument on some runs."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from cnntention.base import specs
from cnntention.base.layout import Run
from cnntention.base.words import listed
from cnntention.data.split import judging_part
from cnntention.instruments import registry
from cnntention.instruments.specs import InstrumentSpec
from cnntention.reporting import captions, selection
from cnntention.reporting.kinds import Study
from cnntention.reporting.selection import Coloured, Selection

COMMON: dict[str, dict] = {
    "caption": {"$ref": "#/$defs/text", "description": "one line, above its table and picture"},
    **selection.KEYS,
    "seeds": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "how many of the study's seeds it looks at, from the first; null: all",
    },
    "images": {
        "type": ["integer", "array", "null"],
        "minimum": 1,
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "integer", "minimum": 0},
        "default": None,
        "description": "how many of the images that judge a run it looks at, or a list of their indices; null: all",
    },
}
"""JSON schemas of the keys that every instrument's stanza has."""


@dataclasses.dataclass(frozen=True)
class MeasuredBy:
    """A stanza, as far as measurements depend on it.

    Attributes:
        name: of the stanza.
        instrument: as the stanza sets it.
    """

    name: str
    instrument: InstrumentSpec


@dataclasses.dataclass(frozen=True)
class Measurements(MeasuredBy):
    """What an instrument says of some runs.

    Attributes:
        runs: the digest of the spec by which each run has to be made, by the run's name.
    """

    runs: dict[str, str]


@dataclasses.dataclass(frozen=True)
class StanzaSpec(Selection, Measurements):
    """What the table and the picture of a stanza depend on.

    Attributes:
        caption: one line.
        models: with their colours.
    """

    caption: str
    models: tuple[Coloured, ...]


def runs(stanza: dict, config: dict) -> list[Run]:
    """The runs that the instrument looks at."""
    return selection.runs(stanza, _seeds(stanza, config))


def _seeds(stanza: dict, config: dict) -> list[int]:
    return config["seeds"][: stanza["seeds"]]


def code(stanza: dict) -> str:
    """The source file of the instrument, relative to the repository's root."""
    return registry.catalogue()[stanza["kind"]].file


def own_files(stanza: dict) -> list[str]:
    """The user's files that measurements of a stanza rest on: arrays in the folder of its ``path``, if it has one."""
    files = Path(stanza["path"]).glob("*.npy") if stanza.get("path") else ()
    return sorted(str(file) for file in files if not file.name.startswith("."))


def instrument_spec(stanza: dict) -> InstrumentSpec:
    """What a measurement of a stanza depends on besides its run."""
    images = stanza["images"]
    options = {key: stanza[key] for key in registry.catalogue()[stanza["kind"]].options if key in stanza}
    listed = isinstance(images, list)
    return InstrumentSpec(stanza["kind"], None if listed else images, tuple(images) if listed else None, options)


def measured_by(name: str, config: dict) -> MeasuredBy:
    """The stanza of a name."""
    return MeasuredBy(name, instrument_spec(config["instruments"][name]))


def stanza_spec(name: str, stanza: dict, study: Study) -> StanzaSpec:
    """What the table and the picture of a stanza depend on besides its measurements."""
    content = selection.selected(stanza, study.config, "color") | {
        "seeds": _seeds(stanza, study.config),
        "name": name,
        "caption": stanza["caption"],
        "instrument": specs.plain(instrument_spec(stanza)),
        "runs": study.digests(runs(stanza, study.config)),
    }
    return specs.read(StanzaSpec, content)


def check(key: str, stanza: dict, config: dict, available: dict[str, int | None]) -> Iterator[str]:
    """What takes more than one key of a stanza to see, a line for each problem.

    Args:
        key: of the stanza.
        stanza: fits the schema.
        config: the whole one.
        available: images that judge runs of the stanza's split, by dataset; None: not known yet.
    """
    yield from selection.problems(key, stanza, config)
    entry = registry.catalogue()[stanza["kind"]]
    for model in [name for name in stanza["models"] if name in config["models"]]:
        lacking = registry.lacks(stanza["kind"], config["models"][model]["attention"])
        if lacking:
            yield f"{key}.models: {stanza['kind']} cannot look at '{model}', which has {lacking}"
        elif "stage" in entry.options and stanza["stage"] not in config["models"][model]["attention"]["stages"]:
            yield f"{key}.stage: '{model}' has no attention in stage {stanza['stage']}"
    if stanza.get("path") and not os.path.isdir(stanza["path"]):  # Path.is_dir raises where a name is too long
        yield f"{key}.path: there is no folder {stanza['path']!r}"
    if stanza.get("path") and judging_part(stanza["split"]) != "test":
        yield f"{key}.path: made of test images, and split '{stanza['split']}' is judged by others; use split full"
    if stanza.get("path") and len(stanza["datasets"]) > 1:
        yield f"{key}.path: made of the images of one dataset; take a stanza for each of {listed(stanza['datasets'])}"
    images = stanza["images"]
    if images is not None and (len(images) if isinstance(images, list) else images) < entry.least_images:
        yield f"{key}.images: {stanza['kind']} needs at least {entry.least_images}"
    wanted = max(images) + 1 if isinstance(images, list) else images or 0
    for dataset in stanza["datasets"]:
        there = available.get(dataset)
        if there is not None and wanted > there:
            asked = f"index {wanted - 1} lies beyond" if isinstance(images, list) else f"{wanted} are more than"
            yield f"{key}.images: {asked} the {there} {judging_part(stanza['split'])} images of '{dataset}'"


def caption(spec: StanzaSpec) -> str:
    """What the report says about the table and the picture."""
    return f"{spec.caption}, {captions.seeds(spec.seeds)}. {registry.catalogue()[spec.instrument.kind].about}"
