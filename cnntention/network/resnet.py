"""ResNet for small images (He et al. 2015, section 4.2) with optional attention blocks."""

import torch.nn.functional as F
from torch import Tensor, nn

from cnntention.attention.registry import create
from cnntention.attention.residual import RESIDUALS, Connection
from cnntention.network.specs import WIDTHS, Attention


class OptionAShortcut(nn.Module):
    """Parameter-free shortcut into a stage: every ``stride``-th pixel, zeros for the new channels.

    The new channels are split evenly before and after the old ones (He et al. 2015, section 3.3, option A).

    Shape: ``[B, C, H, W] -> [B, C + added, ceil(H/stride), ceil(W/stride)]``.
    """

    def __init__(self, added: int, stride: int):
        super().__init__()
        self.added = added
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        before = self.added // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.added - before))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, the first of them with the stride, attention if any, and the shortcut.

    Attributes:
        attention: before the shortcut is added, as in the original CBAM (Woo et al. 2018, Fig. 3); ``nn.Identity``
            without.
    """

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        same = stride == 1 and channels == in_channels
        self.shortcut = nn.Identity() if same else OptionAShortcut(channels - in_channels, stride)
        self.attention: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        if isinstance(self.attention, nn.Identity):
            out += self.shortcut(x)
        else:  # not in place: attention may need its result in the backward pass
            out = self.attention(out) + self.shortcut(x)
        return F.relu(out, inplace=True)


def initialise(module: nn.Module) -> None:
    """Kaiming normal, fan-out, ReLU gain for the weights of all two-dimensional convolutions and linear layers in a
    module; other parameters stay, and so does all that is in a block with a true ``keeps_initial_values``."""
    if getattr(module, "keeps_initial_values", False):
        return
    for child in module.children():
        initialise(child)
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(nn.Module):
    """ResNet of depth 6n+2 with attention after each of its three stages, or in each of their residual blocks.

    The trunk is built and initialised before the attention blocks: under one seed, models that differ only in
    their attention start from the same trunk, which makes comparisons over seeds paired.

    Args:
        depth: number of weighted layers, 6n+2 for n basic blocks a stage.
        in_channels: channels of the images.
        num_classes: number of classes.
        attention: None: without attention.
        widths: channels of each stage. The first stage works on the whole image, each later one at half of the size
            before.

    Shape: ``[B, in_channels, H, W] -> [B, num_classes]`` logits, for any H and W.

    Attributes:
        stages: the three stages of basic blocks.
        attention: after each stage, the attention with its residual connection; ``nn.Identity`` where there is none.
    """

    def __init__(
        self,
        depth: int,
        in_channels: int,
        num_classes: int,
        attention: Attention | None = None,
        widths: tuple[int, int, int] = WIDTHS,
    ):
        super().__init__()
        blocks = (depth - 2) // 6
        width = widths[0]
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        for stage, channels in enumerate(widths):
            first = BasicBlock(width, channels, stride=2 if stage else 1)
            self.stages.append(nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1))))
            width = channels
        self.fc = nn.Linear(width, num_classes)
        initialise(self)

        self._frozen: list[nn.Module] = []
        self.attention = nn.ModuleList(nn.Identity() for _ in widths)
        if attention is not None:
            self._attend(attention, widths)

    def _attend(self, attention: Attention, widths: tuple[int, int, int]) -> None:
        """Build the attention blocks and put each where it belongs."""
        for number in attention.stages:
            stage, channels = number - 1, widths[number - 1]

            def joined(channels: int = channels) -> Connection:
                return RESIDUALS[attention.residual](create(attention.block, channels, **attention.options))

            if attention.placement == "stage":
                self.attention[stage] = joined()
            else:
                for residual_block in self.stages[stage].children():
                    residual_block.attention = joined()
        for of_stage in self.connections():
            for connection in of_stage:
                initialise(connection)

    def freeze_trunk(self) -> None:
        """From now on training changes attention and its gates alone: all other weights stay, and the statistics of
        batch norm likewise."""
        attention = {module for stage in self.connections() for each in stage for module in each.modules()}
        trunk = [module for module in self.modules() if module not in attention]
        for module in trunk:
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
        self._frozen = [module for module in trunk if isinstance(module, nn.BatchNorm2d)]

    def train(self, mode: bool = True) -> "ResNet":
        """As torch's, but for what is frozen."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def connections(self) -> list[list[Connection]]:
        """All attention with its residual connections, in the order of the forward pass, by stage."""
        stages = zip(self.stages, self.attention, strict=True)
        return [
            [module for part in parts for module in part.modules() if isinstance(module, Connection)]
            for parts in stages
        ]

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)), inplace=True)
        for stage, attention in zip(self.stages, self.attention, strict=True):
            x = attention(stage(x))
        return self.fc(x.mean((2, 3)))
