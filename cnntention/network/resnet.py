"""ResNet for small images (He et al. 2015, section 4.2) with an optional attention block after each stage."""

import torch.nn.functional as F
from torch import Tensor, nn

from cnntention.attention.registry import create
from cnntention.attention.residual import RESIDUALS
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
    """Two 3x3 convolutions with batch norm, the first of them with the stride, and the shortcut."""

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        same = stride == 1 and channels == in_channels
        self.shortcut = nn.Identity() if same else OptionAShortcut(channels - in_channels, stride)

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
    """ResNet of depth 6n+2 with an attention block after each of its three stages.

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
        attention: after each stage, the attention with its residual connection; ``nn.Identity`` without attention.
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
        self.apply(initialise)

        self.attention = nn.ModuleList()
        for channels in widths:
            if attention is None:
                self.attention.append(nn.Identity())
            else:
                block = create(attention.block, channels, **attention.options)
                self.attention.append(RESIDUALS[attention.residual](block))
        self.attention.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)), inplace=True)
        for stage, attention in zip(self.stages, self.attention, strict=True):
            x = attention(stage(x))
        return self.fc(x.mean((2, 3)))
