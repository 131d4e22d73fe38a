"""Where results lie below the results folder. The rules and the command line share these patterns."""

import dataclasses

DATA = "{results}/data/{dataset}.npz"
CARD = "{results}/data/{dataset}.json"

NAME = "{dataset}/{model}/{split}/seed{seed}"  # of a run

RUN = "{results}/runs/" + NAME
MODEL = RUN + "/model.pt"
HISTORY = RUN + "/history.csv"
EVAL = RUN + "/eval.json"
STATE = "{results}/state/" + NAME + ".pt"
HEARTBEAT = "{results}/state/" + NAME + ".json"  # beside the state, see cnntention/training/heartbeat.py
PREDICTIONS = RUN + "/predictions.npz"

OVERVIEW = "{results}/overview.html"
TABLE = "{results}/tables/{table}"  # + .md, .csv, .tex, .html
FIGURE = "{results}/figures/{figure}"  # + .png, .svg
GRID = "{results}/gradcam/{dataset}"  # + .png, .json

LOG = "{results}/logs/{step}/{of}.log"


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
