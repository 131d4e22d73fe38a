"""What the measurements of a stanza say: the one reader of their files."""

import dataclasses
import json
import os
from collections.abc import Hashable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from cnntention.base import layout, specs
from cnntention.base.errors import DataError
from cnntention.base.layout import Run
from cnntention.reporting.instruments.spec import Measurements
from cnntention.training.specs import is_imported, is_of

FIELDS = ("dataset", "model", "seed", "name", "unit", "value", "low", "high", "spread")
"""Columns of :attr:`Measured.numbers` that every instrument has; NaN where a number has no interval or spread."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """The measurements that there are of a stanza.

    Attributes:
        numbers: one row for each number of each run: :data:`FIELDS`, ``images`` (how many were looked at), ``device``
            (of the measurement, in words), and :attr:`keys`.
        keys: what numbers are of, in the instrument's own words, such as ``stage`` and ``head``; columns as well.
        folder: of the results.
        name: of the stanza.
        imported: the weights of networks that were trained elsewhere, by a name for reading.
    """

    numbers: pd.DataFrame
    keys: list[str]
    folder: str
    name: str
    imported: dict[str, dict] = dataclasses.field(default_factory=dict)

    def runs(self, split: str) -> list[Run]:
        """The runs that are measured."""
        named = self.numbers[["dataset", "model", "seed"]].drop_duplicates().itertuples(index=False)
        return [Run(str(dataset), str(model), split, int(seed)) for dataset, model, seed in named]

    def runs_of_a_seed(self, split: str) -> list[Run]:
        """Of each dataset and model, the run of the lowest seed that is measured: what single images show."""
        found: dict[tuple[str, str], Run] = {}
        for run in sorted(self.runs(split), key=lambda run: run.seed):
            found.setdefault((run.dataset, run.model), run)
        return list(found.values())

    def arrays(self, run: Run) -> dict[str, np.ndarray]:
        """The arrays of a run, by name.

        Raises:
            DataError: the file is missing or damaged.
        """
        path = run.path(layout.measurement(self.name), self.folder) + ".npz"
        try:
            with np.load(path) as file:
                return dict(file)
        except (OSError, EOFError, ValueError, BadZipFile) as error:
            raise DataError(f"{path}: missing or damaged ({error}); remove it and measure this run again") from None


def read(folder: str, spec: Measurements) -> Measured:
    """The measurements of runs that are there and were made by the config.

    Raises:
        DataError: a file is damaged.
    """
    rows: list[dict[Hashable, object]] = []
    keys: dict[str, None] = {}
    imported: dict[str, dict] = {}
    for name, digest in spec.runs.items():
        run = Run.of(name)
        path = Path(run.path(layout.measurement(spec.name), folder) + ".json")
        if not path.is_file():
            continue
        report = _report(path)
        if not is_of(digest, report["spec"]) or report["instrument"] != specs.plain(spec.instrument):
            continue
        if is_imported(report["spec"]):
            imported[f"{run.model} on {run.dataset}"] = report["spec"]["weights"]
        for number in report["numbers"]:
            of = number.get("of", {})
            keys.update(dict.fromkeys(of))
            own = {"dataset": run.dataset, "model": run.model, "seed": run.seed}
            own |= {"images": report["images"], "device": report.get("device", "")}
            rows.append(own | {key: number.get(key) for key in FIELDS if key not in own} | of)
    frame = pd.DataFrame(rows, columns=[*FIELDS, "images", "device", *keys])
    frame = frame.astype(dict.fromkeys(("value", "low", "high", "spread"), float))
    return Measured(frame, list(keys), folder, spec.name, imported)


def _report(path: str | os.PathLike) -> dict:
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        if {"instrument", "spec", "images", "numbers"} - set(report):
            raise KeyError("a key is missing")
        return report
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: missing or damaged ({error}); remove it and measure this run again") from None
