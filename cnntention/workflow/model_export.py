"""A trained model for use elsewhere: ONNX, checked against torch by onnxruntime, and safetensors."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cnntention.attention import kernel
from cnntention.base.errors import CheckpointError, ExportError
from cnntention.base.files import atomic_path
from cnntention.data.batches import Normalizer
from cnntention.training import portable
from cnntention.training.checkpoint import Checkpoint

TOLERANCE = 1e-4
"""Between the logits of torch and onnxruntime, which add up in different orders, as a share of the largest one."""
CHECKED = (1, 3)
"""Images in a batch."""


class Deployed(nn.Module):
    """A trained model and the normalisation before it.

    Shape: ``[B, C, H, W]`` in 0..1 ``-> [B, classes]`` logits.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, trained: Checkpoint):
        super().__init__()
        normalize = Normalizer(trained.spec.normalization, trained.in_channels, "cpu")
        self.model = trained.model
        self.register_buffer("scale", (255 * normalize.scale)[:, None, None])
        self.register_buffer("shift", normalize.shift[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images * self.scale + self.shift)


def export(trained: Checkpoint, folder: str, name: str) -> Iterator[str]:
    """Write ``RUN.safetensors`` and ``RUN.onnx``.

    The ONNX takes ``images``, float32 ``[B, C, H, W]`` in 0..1 of the model's size, for any B, and gives ``logits``
    ``[B, classes]``; its metadata has ``class_names`` and all else that is known of the model, in JSON.

    Args:
        trained: the model.
        folder: for both files.
        name: of the model, for messages.

    Returns:
        What there is to tell, a line each.

    Raises:
        ExportError: a library is missing, or there is no ONNX that gives torch's numbers; then none is written.
        CheckpointError: nothing says which size the model's images had.
    """
    if trained.image_size is None:
        raise CheckpointError(f"{name}: does not say how large its images were; give their size, as in --image-size 32")
    stem = Path(folder, str(trained.spec.run).replace("/", "-"))
    weights, onnx = stem.with_name(stem.name + portable.SUFFIX), stem.with_name(stem.name + ".onnx")
    portable.write(weights, trained)
    yield str(weights)
    difference = _write_onnx(trained, onnx)
    yield f"{onnx} (its logits are within {difference:.0e} of torch's on random images)"


def _write_onnx(trained: Checkpoint, path: Path) -> float:
    """The largest difference from torch's logits, as a share of the largest one."""
    deployed = Deployed(trained).eval()
    shape = (trained.in_channels, *(trained.image_size or ()))
    random = torch.Generator().manual_seed(0)
    examples = [torch.rand(count, *shape, generator=random) for count in CHECKED]
    notes = {key: json.dumps(value) for key, value in trained.notes().items()}
    _require_libraries()
    try:
        content = _converted(deployed, examples[-1], notes)
    except Exception as error:  # whatever a block does that ONNX or torch's exporter does not know
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        raise ExportError(f"{path}: not written, since torch cannot express this model in ONNX: {reason}") from None
    difference = max(_difference(deployed, content, images) for images in examples)
    if not difference <= TOLERANCE:
        raise ExportError(
            f"{path}: not written, since onnxruntime's logits differ from torch's by {difference:.1e} of the largest"
        )
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return difference


def onnx_difference(module: nn.Module, images: Tensor) -> float:
    """The largest difference of onnxruntime's answer from torch's on some images, as a share of the largest number.

    Raises:
        ExportError: a library is missing.
    """
    _require_libraries()
    return _difference(module, _converted(module, images, {}), images)


def _require_libraries() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise ExportError(f"{error.name} is not installed; in the repository: pip install '.[export]'") from None


def _converted(module: nn.Module, example: Tensor, notes: dict[str, str]) -> bytes:
    """A module in ONNX, for any number of images."""
    import onnx

    kernel.use(None, torch.device("cpu"), "off")  # the operator for the CPU is none of ONNX's
    with _quietly():
        program: Any = torch.onnx.export(
            module,
            (example,),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    onnx.helper.set_model_props(model, notes)
    return model.SerializeToString()


def _difference(module: nn.Module, content: bytes, images: Tensor) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        answer = module(images).numpy()
    return float(np.abs(found - answer).max() / np.abs(answer).max())


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without what torch's exporter says of itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
