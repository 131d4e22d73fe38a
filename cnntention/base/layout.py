"""Where results lie in the results folder. The rules and the command line share these patterns."""

import dataclasses
from pathlib import Path

DATA = "{results}/data/{dataset}.npz"
CARD = "{results}/data/{dataset}.json"

NAME = "{dataset}/{model}/{split}/seed{seed}"  # of a run

RUN = "{results}/runs/" + NAME
MODEL = RUN + "/model.pt"
HISTORY = RUN + "/history.csv"
EVAL = RUN + "/eval.json"
STATE = "{results}/state/" + NAME + ".pt"
HEARTBEAT = "{results}/state/" + NAME + ".json"  # see cnntention/training/heartbeat.py
LOCK = "{results}/state/" + NAME + ".lock"  # held while the run is trained
PREDICTIONS = RUN + "/predictions.npz"

OVERVIEW = "{results}/overview.html"
TABLE = "{results}/tables/{table}"  # + .md, .csv, .tex, .html, .json
FIGURE = "{results}/figures/{figure}"  # + .png, .svg
GRID = "{results}/gradcam/{dataset}"  # + .png, .json
INSTRUMENT = "{results}/instruments/{instrument}"  # as TABLE, and as FIGURE where it has a picture
MEASUREMENT = INSTRUMENT + "/" + NAME  # + .json, .npz

LOG = "{results}/logs/{step}/{of}.log"


def measurement(instrument: str) -> str:
    """The pattern of what an instrument measures of a run, without its suffix."""
    return MEASUREMENT.replace("{instrument}", instrument)


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: of a model on a dataset, on split ``full`` or ``tune``, from a seed."""

    dataset: str
    model: str
    split: str
    seed: int

    def __str__(self) -> str:
        return NAME.format(**dataclasses.asdict(self))

    @classmethod
    def of(cls, name: str) -> "Run":
        """The run of a name, as :func:`str` writes it."""
        dataset, model, split, seed = name.split("/")
        return cls(dataset, model, split, int(seed.removeprefix("seed")))

    def path(self, pattern: str, results: str) -> str:
        """A file of the run: one of the patterns above, below a results folder."""
        return pattern.format(results=results, **dataclasses.asdict(self))

    def files(self, results: str) -> "RunFiles":
        """All files of the run."""
        patterns = (MODEL, HISTORY, EVAL, PREDICTIONS, STATE, HEARTBEAT, LOCK)
        return RunFiles(*(Path(self.path(pattern, results)) for pattern in patterns))


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """The files of one run, named as their patterns are."""

    model: Path
    history: Path
    evaluation: Path
    predictions: Path
    state: Path
    heartbeat: Path
    lock: Path


@dataclasses.dataclass(frozen=True)
class DataFiles:
    """The prepared images of a dataset and the card that describes them."""

    data: Path
    card: Path

    @classmethod
    def of(cls, dataset: str, results: str) -> "DataFiles":
        """Below a results folder."""
        return cls(*(Path(pattern.format(results=results, dataset=dataset)) for pattern in (DATA, CARD)))
