"""ResNet for small images (He et al. 2015, section 4.2) with an optional attention block after each stage."""

import torch.nn.functional as F
from torch import Tensor, nn

from cnntention.attention.registry import create
from cnntention.attention.residual import RESIDUALS
from cnntention.network.stages import STAGE_CHANNELS


class OptionAShortcut(nn.Module):
    """Parameter-free shortcut into a stage with more channels: every second pixel, zeros for the new channels.

    The new channels are split evenly before and after the old ones (He et al. 2015, section 3.3, option A).

    Shape: ``[B, C, H, W] -> [B, C + added, ceil(H/2), ceil(W/2)]``.
    """

    def __init__(self, added: int):
        super().__init__()
        self.added = added

    def forward(self, x: Tensor) -> Tensor:
        before = self.added // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, self.added - before))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and the shortcut."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        widens = channels != in_channels
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=2 if widens else 1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = OptionAShortcut(channels - in_channels) if widens else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out, inplace=True)


def initialise(module: nn.Module) -> None:
    """Kaiming normal, fan-out, ReLU gain for the weight of a convolution or linear layer; other parameters stay."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(nn.Module):
    """ResNet of depth 6n+2 with 16, 32 and 64 channels and an attention block after each of its three stages.

    The trunk is built and initialised before the attention blocks: under one seed, models that differ in their
    attention alone start from the same trunk, which makes comparisons over seeds paired.

    Args:
        depth: number of weighted layers, 6n+2 for n basic blocks a stage.
        in_channels: channels of the images.
        num_classes: number of classes.
        attention: None, or ``{"block": name, "residual": "none" | "plain" | "weighted", "options": {...}}``.

    Shape: ``[B, in_channels, H, W] -> [B, num_classes]`` logits, for any H and W.

    Attributes:
        stages: the three stages of basic blocks.
        attention: after each stage, the attention with its residual connection; ``nn.Identity`` without attention.
    """

    def __init__(self, depth: int, in_channels: int, num_classes: int, attention: dict | None = None):
        super().__init__()
        blocks = (depth - 2) // 6
        width = STAGE_CHANNELS[0]
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        for channels in STAGE_CHANNELS:
            inputs = [width] + [channels] * (blocks - 1)
            self.stages.append(nn.Sequential(*(BasicBlock(channels_in, channels) for channels_in in inputs)))
            width = channels
        self.fc = nn.Linear(width, num_classes)
        self.apply(initialise)

        self.attention = nn.ModuleList()
        for channels in STAGE_CHANNELS:
            if attention is None:
                self.attention.append(nn.Identity())
            else:
                block = create(attention["block"], channels, **attention["options"])
                self.attention.append(RESIDUALS[attention["residual"]](block))
        self.attention.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)), inplace=True)
        for stage, attention in zip(self.stages, self.attention, strict=True):
            x = attention(stage(x))
        return self.fc(x.mean((2, 3)))
