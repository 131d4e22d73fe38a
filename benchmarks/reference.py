"""The plain pipeline that ours is measured against: what people write from PyTorch's tutorials, and no worse.

A torchvision dataset of PIL images, its transforms image by image in a DataLoader, the model in eager float32 and the
default memory layout, attention as matmul, softmax, matmul, the loss read after each step.
"""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import VisionDataset

from cnntention.attention.mha import MultiHeadAttention
from cnntention.attention.selfatt import SelfAttention
from cnntention.base import specs
from cnntention.network.resnet import ResNet
from cnntention.training.specs import Recipe, RunSpec


class Pictures(VisionDataset):
    """Images and labels as torchvision's CIFAR-10 gives them: from an array to PIL, then through the transform."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Callable):
        super().__init__("", transform=transform)
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


class PlainSelfAttention(SelfAttention):
    """SelfAtt with its weights ``[B, N, N]`` as a matrix."""

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        query = self.query(x).view(batch, channels, -1).transpose(1, 2)
        key = self.key(x).view(batch, channels, -1)
        value = self.value(x).view(batch, channels, -1).transpose(1, 2)
        weights = torch.softmax(query @ key, dim=-1)
        return (weights @ value).transpose(1, 2).reshape(batch, channels, height, width)


class PlainMultiHeadAttention(MultiHeadAttention):
    """MHA with its weights ``[B, heads, N, N]`` as a matrix."""

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        depth = channels // self.heads
        query = self.query(x).view(batch, self.heads, depth, -1).transpose(2, 3)
        key = self.key(x).view(batch, self.heads, depth, -1)
        value = self.value(x).view(batch, self.heads, depth, -1).transpose(2, 3)
        weights = torch.softmax(query @ key / depth**0.5, dim=-1)
        return self.output((weights @ value).transpose(2, 3).reshape(batch, channels, height, width))


PLAIN = {SelfAttention: PlainSelfAttention, MultiHeadAttention: PlainMultiHeadAttention}


def plain(model: ResNet) -> ResNet:
    """The same model with the same weights, in the default layout, its attention by plain matrices."""
    for block in model.modules():
        if type(block) in PLAIN:
            block.__class__ = PLAIN[type(block)]
    return model


def loaders(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], spec: RunSpec, workers: int, pinned: bool
) -> tuple[DataLoader, DataLoader]:
    """Loaders of training and test images of a run's spec."""
    to_input = [transforms.ToTensor(), transforms.Normalize(**specs.plain(spec.normalization))]
    random = [transforms.RandomHorizontalFlip(), transforms.RandomCrop(32, spec.augmentation.crop_padding)]
    train_pictures = Pictures(*train, transforms.Compose(random + to_input))
    test_pictures = Pictures(*test, transforms.Compose(to_input))
    size = spec.recipe.batch_size
    return (
        DataLoader(train_pictures, size, shuffle=True, num_workers=workers, pin_memory=pinned),
        DataLoader(test_pictures, size, num_workers=workers, pin_memory=pinned),
    )


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """As torch comes: not fused."""
    lr, decay = recipe.lr, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr, momentum=recipe.momentum or 0.0, weight_decay=decay)
    return torch.optim.Adam(model.parameters(), lr, weight_decay=decay)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, device: torch.device
) -> tuple[float, int]:
    """One step; the loss, and how many predictions were right."""
    images, labels = images.to(device), labels.to(device)
    optimizer.zero_grad()
    scores = model(images)
    loss = nn.functional.cross_entropy(scores, labels)
    loss.backward()
    optimizer.step()
    return loss.item(), (scores.argmax(1) == labels).sum().item()


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """Accuracy in percent."""
    model.eval()
    right, seen = 0, 0
    for images, labels in loader:
        right += (model(images.to(device)).argmax(1) == labels.to(device)).sum().item()
        seen += len(labels)
    return 100 * right / seen
