"""In which number format a model is trained: float32, or bfloat16 by autocast."""

import contextlib
import dataclasses

import torch

from cnntention.errors import DeviceError


@dataclasses.dataclass(frozen=True)
class Precision:
    """A number format, ``fp32`` or ``bf16``, and why it was chosen."""

    name: str
    reason: str

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager:
        """A context for the forward pass. Weights, gradients and their sums stay float32 in either format."""
        return torch.autocast(device.type, torch.bfloat16) if self.name == "bf16" else contextlib.nullcontext()


def choose(name: str, device: torch.device) -> Precision:
    """The format for ``auto``, ``fp32`` or ``bf16`` in the config.

    ``auto`` is bf16 on GPUs that have matrix units for it, and fp32 elsewhere: a CPU trains to the same bits each time
    in fp32, and those without such units (AMX) were found to be slower in bf16 (benchmarks/).

    Raises:
        DeviceError: bf16 is asked for on a GPU that has none.
    """
    has_bf16 = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    if name == "auto":
        if has_bf16:
            return Precision("bf16", "precision is auto, and this GPU has matrix units for bf16")
        return Precision(
            "fp32", f"precision is auto, and this is {'an older GPU' if device.type == 'cuda' else 'no CUDA GPU'}"
        )
    if name == "bf16" and not has_bf16 and device.type != "cpu":
        raise DeviceError("precision is bf16, which this GPU cannot train in; set precision to auto or fp32")
    return Precision(name, "as precision says")
