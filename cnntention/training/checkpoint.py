"""``model.pt``: weights with all that is needed to rebuild the model, readable without running code from the file."""

import dataclasses
import importlib.metadata
import os
import platform

import numpy as np
import torch

from cnntention.base import specs
from cnntention.base.errors import CheckpointError, ConfigError
from cnntention.base.files import load_tensors, save_tensors
from cnntention.network.resnet import ResNet
from cnntention.training.specs import ImportSpec, NetworkSpec, read_spec


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A trained model and how it came about.

    Attributes:
        model: on the CPU, in evaluation mode.
        spec: of the run.
        class_names: in the order of the logits.
        data_sha256: of the prepared data that it was trained on, or imported for.
        training: ``seconds``, ``epochs``, ``device``, ``precision``; of an imported model None all of them, and
            ``imported`` besides, see :mod:`cnntention.training.import_weights`.
        versions: of python, torch, torchvision, numpy and cnntention at training.
        image_size: height and width of the images that it was trained on; None: the file does not say.
    """

    model: ResNet
    spec: NetworkSpec
    class_names: list[str]
    data_sha256: str
    training: dict
    versions: dict
    image_size: tuple[int, int] | None = None

    @property
    def in_channels(self) -> int:
        """Channels of the images."""
        return self.model.conv.in_channels

    def notes(self) -> dict:
        """All but the weights, in plain values; with ``state_dict`` it is what :func:`rebuilt` takes."""
        return {
            "spec": specs.plain(self.spec),
            "in_channels": self.in_channels,
            "image_size": self.image_size and list(self.image_size),
            **{key: getattr(self, key) for key in ("class_names", "data_sha256", "training", "versions")},
        }

    def require_data(self, sha256: str, path: str | os.PathLike) -> None:
        """Raise CheckpointError, which names the path, unless the model was made for the data of this digest."""
        if sha256 != self.data_sha256:
            made, again = ("imported for", "import") if isinstance(self.spec, ImportSpec) else ("trained on", "train")
            raise CheckpointError(f"{path}: {made} data that differ from those prepared now; {again} this run again")


def versions() -> dict[str, str]:
    """Versions of the software that results depend on."""
    try:
        own = importlib.metadata.version("cnntention")
    except importlib.metadata.PackageNotFoundError:
        own = "not installed"
    return {
        "cnntention": own,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": importlib.metadata.version("torchvision"),  # importing it takes a second, in every step
        "numpy": np.__version__,
    }


def build(spec: NetworkSpec, in_channels: int, num_classes: int) -> ResNet:
    """The untrained model of a run, its weights drawn from torch's global generator."""
    return ResNet(spec.depth, in_channels, num_classes, spec.attention, spec.widths)


def save(
    path: str | os.PathLike,
    model: ResNet,
    spec: NetworkSpec,
    class_names: list[str],
    data_sha256: str,
    training: dict,
    image_size: tuple[int, int] | None = None,
) -> None:
    """Write the checkpoint of a model that was trained now, by these versions, see :func:`write`."""
    write(path, Checkpoint(model, spec, class_names, data_sha256, training, versions(), image_size))


def write(path: str | os.PathLike, trained: Checkpoint) -> None:
    """Write a checkpoint atomically."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trained.model.state_dict().items()}
    save_tensors(path, {"state_dict": weights, **trained.notes()})


def load(path: str | os.PathLike) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: the file is missing, damaged, holds something other than plain data, or weights that do not
            fit the model of its spec.
    """
    try:
        content = load_tensors(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; train this run first") from None
    except Exception as error:  # a damaged or foreign file makes the reader raise all kinds of errors
        reason = "holds code, which is never run" if "Unsupported" in str(error) else "damaged, or not a checkpoint"
        raise CheckpointError(f"{path}: {reason}; train this run again") from None
    return rebuilt(content, path)


def rebuilt(content: dict, path: str | os.PathLike) -> Checkpoint:
    """The checkpoint of a file's content: :meth:`Checkpoint.notes` and ``state_dict``.

    Raises:
        CheckpointError: it is something else, or holds weights that do not fit the model of its spec.
    """
    try:
        rest: dict = {key: content[key] for key in ("class_names", "data_sha256", "training", "versions")}
        spec = read_spec(content["spec"])
        height_and_width = content.get("image_size")
        image_size = height_and_width and (int(height_and_width[0]), int(height_and_width[1]))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of this project ({error}); train this run again") from None
    try:
        model = build(spec, content["in_channels"], len(content["class_names"]))
        model.load_state_dict(content["state_dict"])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of this project ({error}); train this run again") from None
    except ConfigError as error:
        raise CheckpointError(f"{path}: its attention block cannot be built here: {error}") from None
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path}: weights of another model ({reason}); train this run again") from None
    return Checkpoint(model.eval(), spec, image_size=image_size, **rest)
