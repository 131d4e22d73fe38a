"""What two studies differ in: their configs, and run by run how they were made and how accurate they are."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from cnntention.base import layout, specs
from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.reporting import runs
from cnntention.study.config import base_config, load
from cnntention.study.study import Study
from cnntention.training import origin
from cnntention.training.specs import is_of

LONGEST = 60
"""Characters of a value that a line shows."""
MADE = ("device", "precision", "data_sha256", "versions")
"""What a result depends on beside its spec."""

_ABSENT = object()


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two studies.

    Attributes:
        title: for people.
        config: complete; None of a results folder, which holds none.
        specs: of its runs, in plain values, by the run's name.
        evaluations: the content of ``eval.json``, of those that are evaluated.
    """

    title: str
    config: dict | None
    specs: dict[str, dict]
    evaluations: dict[str, dict]

    def accuracy(self, run: str) -> float | None:
        """In percent; None: not evaluated."""
        return self.evaluations[run]["accuracy"] if run in self.evaluations else None

    def made(self, run: str) -> dict:
        """What the result of an evaluated run depends on beside its spec."""
        report = self.evaluations[run]
        return {key: (report["training"] | report)[key] for key in MADE}


def compare(first: str, second: str, overlays: Sequence[str] = ()) -> str:
    """What differs, for reading.

    Args:
        first: a config, which is an overlay over the others, or a results folder.
        second: likewise.
        overlays: below both of them, over ``config.yaml``.

    Raises:
        ConfigError: one of them is neither, or a config is not valid.
        DataError: an evaluation is damaged.
    """
    a, b = (_side(each, overlays) for each in (first, second))
    lines = [f"A  {a.title}", f"B  {b.title}"]
    if a.config is not None and b.config is not None:
        lines += ["", *_of_configs(a.config, b.config)]
    return "\n".join([*lines, "", *_of_runs(a, b)])


def _side(path: str, overlays: Sequence[str]) -> Side:
    if Path(path).is_dir():
        return _of_folder(path)
    if not Path(path).is_file():
        raise ConfigError(f"{path}: no such file or folder; a config (.yaml) or a results folder is needed")
    study = Study(load(base_config(), *overlays, path))
    made = {str(run): specs.plain(study.run_spec(run)) for run in study.trainings()}
    digests = study.digests(study.trainings())
    evaluations = _evaluations(study.results, made)
    own = {name: report for name, report in evaluations.items() if is_of(digests[name], report["spec"])}
    return Side(f"{path}, results in {study.results}", study.config, made, own)


def _of_folder(path: str) -> Side:
    if not Path(path, "runs").is_dir():
        raise ConfigError(f"{path}: not a results folder, which would hold a folder runs")
    names = {folder.relative_to(Path(path, "runs")).as_posix() for folder in Path(path, "runs").glob("*/*/*/seed*")}
    evaluations = _evaluations(path, names)
    made = {}
    for name in names:
        model = Run.of(name).path(layout.MODEL, path)
        if name in evaluations:
            made[name] = evaluations[name]["spec"]
        elif os.path.exists(model):
            made[name] = origin.notes(model)["spec"]
    return Side(path, None, made, evaluations)


def _evaluations(results: str, names: Any) -> dict[str, dict]:
    paths = {name: Run.of(name).path(layout.EVAL, results) for name in names}
    return {name: runs.evaluation(path) for name, path in paths.items() if os.path.exists(path)}


# ---- config


def differences(a: dict, b: dict, key: str = "") -> Iterator[tuple[str, str]]:
    """Keys whose values differ, each with what it says on both sides; maps are compared key by key."""
    for name in dict.fromkeys([*a, *b]):
        one, other = a.get(name, _ABSENT), b.get(name, _ABSENT)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differences(one, other, f"{key}{name}.")
        elif one is _ABSENT or other is _ABSENT:
            entry, side = (other, "B") if one is _ABSENT else (one, "A")
            yield f"{key}{name}", f"only in {side}" + ("" if isinstance(entry, dict) else f": {_shown(entry)}")
        elif one != other:
            yield f"{key}{name}", f"{_shown(one)} -> {_shown(other)}"


def _of_configs(a: dict, b: dict) -> list[str]:
    found = list(differences(a, b))
    if not found:
        return ["Config: no difference"]
    width = max(len(key) for key, _ in found)
    return ["Config", *(f"  {key:<{width}}  {text}" for key, text in found)]


def _shown(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).splitlines()[0]
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


# ---- runs


def _of_runs(a: Side, b: Side) -> Iterator[str]:
    both = sorted(set(a.specs) & set(b.specs))
    groups: dict[str, list[str]] = {}
    for run in both:
        spec = "; ".join(f"{key} {text}" for key, text in differences(a.specs[run], b.specs[run]))
        if spec:
            heading = f"other specs: {spec}"
        elif run in a.evaluations and run in b.evaluations:
            made = "; ".join(f"{key} {text}" for key, text in differences(a.made(run), b.made(run)))
            heading = f"same spec, made elsewhere: {made}" if made else ""
        else:
            heading = ""
        groups.setdefault(heading, []).append(run)
    alike = groups.pop("", [])
    yield f"Runs: {len(both) or 'none'} in both, {len(alike)} of them by the same spec"
    for side, other, name in ((a, b, "A"), (b, a, "B")):
        only = sorted(set(side.specs) - set(other.specs))
        if only:
            yield f"  only in {name}:"
            yield from (f"    {names}" for names in _together(only))
    changed = [run for run in alike if a.accuracy(run) != b.accuracy(run)]
    silent = sum(a.accuracy(run) is None and b.accuracy(run) is None for run in alike)
    same = len(alike) - len(changed) - silent
    if alike:
        yield f"  same spec: {same} with the same accuracy, {silent} evaluated in neither"
    for heading, listed in [("same spec, and yet", changed)] * bool(changed) + sorted(groups.items()):
        yield ""
        yield f"  {heading}"
        yield from _accuracies(listed, a, b)


def _accuracies(listed: list[str], a: Side, b: Side) -> Iterator[str]:
    width = max(map(len, listed))
    yield f"    {'accuracy, %':<{width}}  {'A':>6}  {'B':>6}  {'B - A':>6}"
    for run in listed:
        one, other = a.accuracy(run), b.accuracy(run)
        change = "–" if one is None or other is None else f"{other - one:+.2f}"
        values = ("–" if value is None else f"{value:.2f}" for value in (one, other))
        yield f"    {run:<{width}}  " + "  ".join(f"{text:>6}" for text in (*values, change))


def _together(names: list[str]) -> Iterator[str]:
    """Runs that differ in their seeds alone, in one entry."""
    seeds: dict[str, list[str]] = {}
    for name in names:
        of, _, seed = name.rpartition("/seed")
        seeds.setdefault(of, []).append(seed)
    return (f"{of}/seed{','.join(sorted(of_one, key=int))}" for of, of_one in seeds.items())
