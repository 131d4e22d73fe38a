"""From uint8 images to the network's input: normalisation and augmentation, a batch at a time on the device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cnntention.base.device import memory_format
from cnntention.data.specs import Augmentation, Normalization


class Normalizer:
    """``uint8 [B, H, W, C] -> float32 [B, C, H, W]``: to [0, 1], then ``(x - mean) / std``.

    The result lies in memory as the device's convolutions like it best.

    Args:
        normalization: None: pixels are only scaled to [0, 1].
        channels: of the images.
        device: of the images.

    Raises:
        ValueError: mean and std are not given for every channel.
    """

    def __init__(self, normalization: Normalization | None, channels: int, device: torch.device | str):
        normalization = normalization or Normalization(mean=(0.0,) * channels, std=(1.0,) * channels)
        means, stds = len(normalization.mean), len(normalization.std)
        if not means == stds == channels:
            raise ValueError(f"normalization: {means} means, {stds} stds for images of {channels} channels")
        std = torch.tensor(normalization.std, dtype=torch.float32, device=device)
        self.scale = 1 / (255 * std)
        self.shift = -torch.tensor(normalization.mean, dtype=torch.float32, device=device) / std

    def __call__(self, images: Tensor) -> Tensor:
        normalized = torch.addcmul(self.shift, images.float(), self.scale).permute(0, 3, 1, 2)
        return normalized.contiguous(memory_format=memory_format(images.device))


def misfit(normalization: Normalization | None, images: Tensor) -> str | None:
    """What to say of a normalisation that seems to be of other images: normalised, these are far from mean 0 and std 1.

    Args:
        normalization: None fits any.
        images: uint8 ``[N, H, W, C]``, of which a thousand are looked at, from all over: they may be sorted by class.
    """
    if normalization is None:
        return None
    std, mean = torch.std_mean(images[:: max(1, len(images) // 1000)].flatten(0, 2).float().cpu() / 255, dim=0)
    shift = (mean - torch.tensor(normalization.mean)) / torch.tensor(normalization.std)
    scale = std / torch.tensor(normalization.std)
    if shift.abs().max() <= 1 and scale.min() >= 0.25 and scale.max() <= 4:
        return None
    found = ", ".join(
        f"{name} {[round(value, 4) for value in of.tolist()]}" for name, of in (("mean", mean), ("std", std))
    )
    return f"normalization seems to be of other images: these have {found}"


class Augmenter:
    """Random crops of zero-padded images and random mirroring (paper, section 3.1), one draw for each image.

    Args:
        augmentation: what to do.
        generator: of the draws, on the images' device.
    """

    def __init__(self, augmentation: Augmentation, generator: torch.Generator):
        self.flip = augmentation.flip
        self.padding = augmentation.crop_padding
        self.generator = generator

    def __call__(self, images: Tensor) -> Tensor:
        """``uint8 [B, H, W, C] -> uint8 [B, H, W, C]``."""
        if not self.padding and not self.flip:
            return images
        size, device = (len(images),), images.device
        if self.padding:
            top, left = torch.randint(2 * self.padding + 1, (2, *size), generator=self.generator, device=device)
        else:
            top = left = torch.zeros(size, dtype=torch.long, device=device)
        if self.flip:
            mirrored = torch.rand(size, generator=self.generator, device=device) < 0.5
        else:
            mirrored = torch.zeros(size, dtype=torch.bool, device=device)
        return crop(images, self.padding, top, left, mirrored)


def crop(images: Tensor, padding: int, top: Tensor, left: Tensor, mirrored: Tensor) -> Tensor:
    """Cut each image at its place out of its zero-padded copy, then mirror it left to right where asked.

    Args:
        images: ``[B, H, W, C]``.
        padding: zeros added on each side, in pixels.
        top: ``[B]``, first row of the crop in the padded image, 0 to 2 * padding.
        left: ``[B]``, first column likewise.
        mirrored: bool ``[B]``.

    Returns:
        ``[B, H, W, C]``.
    """
    batch, height, width, _ = images.shape
    # F.pad copies even where it adds nothing
    padded = F.pad(images, (0, 0, padding, padding, padding, padding)) if padding else images
    index = torch.arange(batch, device=images.device)[:, None, None]
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device).expand(batch, width)
    columns = left[:, None] + torch.where(mirrored[:, None], width - 1 - columns, columns)
    return padded[index, rows[:, :, None], columns[:, None, :]]
