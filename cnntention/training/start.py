"""What a training begins with where it does not begin with random weights: the trained trunk of another run."""

import dataclasses
from pathlib import Path

from cnntention.base import specs
from cnntention.base.errors import CheckpointError
from cnntention.base.files import sha256
from cnntention.network.resnet import ResNet
from cnntention.training import checkpoint
from cnntention.training.specs import RunSpec


@dataclasses.dataclass(frozen=True)
class Trunk:
    """The trained network that another one takes its trunk from.

    Attributes:
        model: without attention.
        sha256: of its file.
    """

    model: ResNet
    sha256: str

    def give(self, model: ResNet, train: str) -> None:
        """Put the weights into a model, and let it train ``all`` of them, or ``attention`` alone."""
        model.load_state_dict(model.state_dict() | self.model.state_dict())
        if train == "attention":
            model.freeze_trunk()


def load(spec: RunSpec, path: Path | None, data_sha256: str) -> Trunk | None:
    """The trunk that a run starts from; None: it starts from random weights.

    Args:
        spec: of the run.
        path: the ``model.pt`` of its start.
        data_sha256: of the data that the run is trained on.

    Raises:
        CheckpointError: the file is missing or damaged, or was trained otherwise than the spec says.
    """
    if spec.start is None:
        return None
    assert path is not None, "a run with a start needs its checkpoint"
    trained = checkpoint.load(path)
    if specs.digest(trained.spec) != spec.start.digest:
        raise CheckpointError(f"{path}: was trained by another config than this one; train {spec.start_run} again")
    trained.require_data(data_sha256, path)
    return Trunk(trained.model, sha256(path))
