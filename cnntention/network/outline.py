"""The parts of a built network in the order of the forward pass, with their shapes and parameters."""

import copy
import dataclasses

import torch
from torch import Tensor, nn

from cnntention.attention.residual import Connection
from cnntention.network.complexity import parameters
from cnntention.network.resnet import ResNet


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a network.

    Attributes:
        name: in words.
        shape: of what comes out of it for one image.
        parameters: how many it has.
        attention: whether it is attention, with its residual connection, or has some within.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    attention: bool = False


def outline(model: ResNet, image_shape: tuple[int, int, int]) -> list[Part]:
    """All parts of a network; computed on shapes alone.

    Args:
        model: any device; it is not changed.
        image_shape: height, width, channels.
    """
    height, width, channels = image_shape
    shadow = copy.deepcopy(model).to("meta").eval()
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def note(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        shapes[module] = tuple(output.shape[1:])

    for module in (shadow.bn, *shadow.stages, *shadow.attention, shadow.fc):
        module.register_forward_hook(note)
    with torch.no_grad():
        shadow(torch.empty(1, channels, height, width, device="meta"))

    size = "×".join(map(str, shadow.conv.kernel_size))
    found = [
        Part("input", (channels, height, width), 0),
        Part(f"{size} convolution", shapes[shadow.bn], parameters(shadow.conv) + parameters(shadow.bn)),
    ]
    for number, (stage, attention) in enumerate(zip(shadow.stages, shadow.attention, strict=True), start=1):
        within = any(isinstance(module, Connection) for module in stage.modules())
        blocks = len(list(stage.children()))
        name = f"stage {number}\n{blocks} block{'s' if blocks > 1 else ''}" + ("\nwith attention" if within else "")
        found.append(Part(name, shapes[stage], parameters(stage), within))
        if isinstance(attention, Connection):
            found.append(Part("attention", shapes[attention], parameters(attention), attention=True))
    found.append(Part("mean", (shadow.fc.in_features,), 0))
    found.append(Part("linear", shapes[shadow.fc], parameters(shadow.fc)))
    return found
