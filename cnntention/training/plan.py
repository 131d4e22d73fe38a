"""How a training computes: number format, compilation, the code of attention, the same bits from run to run or not."""

import dataclasses
import math

import torch

from cnntention.attention import kernel
from cnntention.base.device import Machine
from cnntention.data.dataset import Dataset
from cnntention.training import captured, compilation, precision
from cnntention.training.specs import RunSpec


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the config's settings come to on a device."""

    precision: precision.Precision
    compilation: compilation.Compilation
    capture: captured.Capture
    attention: kernel.Kernel
    deterministic: bool

    @classmethod
    def choose(cls, spec: RunSpec, data: Dataset, target: torch.device, machine: Machine) -> "Plan":
        """The plan for training on these data.

        Raises:
            DeviceError: the device cannot do what is asked for.
        """
        batch_size = spec.recipe.batch_size
        steps = math.ceil(len(data.parts["train"]) / batch_size) * spec.recipe.epochs
        pixels = batch_size * data.image_shape[0] * data.image_shape[1]
        chosen = precision.choose(spec.precision, target)
        compiled = compilation.choose(machine.compile, target, steps, pixels, machine.deterministic, chosen.name)
        attention = kernel.use(spec.attention, target, machine.compile)
        capture = captured.choose(machine.compile, target, machine.deterministic)
        return cls(chosen, compiled, capture, attention, machine.deterministic)

    @property
    def deciding(self) -> list:
        """The parts of it that decide the bits of the weights."""
        return [self.precision.name, self.compilation.on, self.capture.on, self.attention.name, self.deterministic]
