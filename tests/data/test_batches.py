"""Normalisation, crops and mirroring, against loops and closed forms."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cnntention.base.device import memory_format
from cnntention.data import batches
from cnntention.data.batches import Augmenter, Normalizer, crop
from cnntention.data.specs import Augmentation, Normalization


def numbered(batch: int, height: int, width: int, channels: int) -> torch.Tensor:
    """uint8 images in which neighbouring numbers differ and none is zero."""
    count = batch * height * width * channels
    return (torch.arange(count) % 251 + 1).to(torch.uint8).reshape(batch, height, width, channels)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---- normalisation


@pytest.mark.parametrize("channels", [1, 3])
def test_normalizer_subtracts_the_mean_and_divides_by_the_std_of_each_channel(channels):
    images = torch.arange(256, dtype=torch.uint8).reshape(2, 8, 16, 1).repeat(1, 1, 1, channels)
    mean, std = [0.49, 0.13, 0.7][:channels], [0.247, 0.5, 0.11][:channels]
    result = Normalizer(Normalization(tuple(mean), tuple(std)), channels, "cpu")(images)
    assert result.dtype == torch.float32
    assert result.shape == (2, channels, 8, 16)
    for channel in range(channels):
        expected = (images[..., channel].double() / 255 - mean[channel]) / std[channel]
        torch.testing.assert_close(result[:, channel].double(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_normalizer_without_statistics_maps_to_zero_and_one(channels):
    images = numbered(2, 5, 4, channels)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    result = Normalizer(None, channels, "cpu")(images)
    torch.testing.assert_close(
        result.double(), images.permute(0, 3, 1, 2) / 255.0, rtol=1e-6, atol=0, check_dtype=False
    )
    assert (result[0, :, 0, 0] == 0).all()
    assert (result[0, :, 0, 1] == 1).all()


def test_normalizer_takes_whole_numbers_from_a_config():
    result = Normalizer(Normalization((0, 1, 0), (1, 1, 2)), 3, "cpu")(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8))
    torch.testing.assert_close(result[0, :, 0, 0], torch.tensor([1.0, 0.0, 0.5]))


@pytest.mark.parametrize(
    ("device", "layout"),
    [("cpu", torch.channels_last), ("cuda", torch.channels_last), ("mps", torch.contiguous_format)],
)
def test_normalised_batches_lie_in_memory_as_the_device_likes_it(monkeypatch, device, layout):
    monkeypatch.setattr(batches, "memory_format", lambda _: memory_format(torch.device(device)))
    images = numbered(2, 5, 4, 3)
    result = Normalizer(None, 3, "cpu")(images)
    assert result.is_contiguous(memory_format=layout)
    torch.testing.assert_close(result, images.permute(0, 3, 1, 2) / 255)


@pytest.mark.parametrize("lengths", [(1, 1), (3, 1), (1, 3), (4, 4)])
def test_normalizer_wants_statistics_for_every_channel(lengths):
    with pytest.raises(ValueError, match="3 channels"):
        Normalizer(Normalization((0.5,) * lengths[0], (0.5,) * lengths[1]), 3, "cpu")


@pytest.mark.parametrize(
    ("mean", "std", "fits"),
    [
        (0.1307, 0.3081, True),
        (0.5, 0.5, True),
        (0.0, 1.0, True),
        (0.5, 0.25, False),  # of other images
        (0.1307, 0.02, False),
        (0.9, 0.5, False),
    ],
)
def test_statistics_of_other_images_are_told(mean, std, fits):
    """Black and white, as much of each as gives MNIST's mean."""
    images = (torch.rand(100, 28, 28, 1, generator=generator(0)) < 0.1307).to(torch.uint8) * 255
    said = batches.misfit(Normalization(mean=(mean,), std=(std,)), images)
    assert (said is None) == fits
    if said:
        assert f"mean [{images.double().mean() / 255:.4f}" in said
    assert batches.misfit(None, images) is None


def test_images_that_are_sorted_by_class_are_looked_at_all_over():
    """A dark class before a light one, with their own mean and standard deviation."""
    images = torch.tensor([25, 230], dtype=torch.uint8).repeat_interleave(1500).reshape(-1, 1, 1, 1).expand(-1, 4, 4, 1)
    own = Normalization(mean=(0.5,), std=(0.402,))
    assert batches.misfit(own, images) is None
    assert batches.misfit(own, images[:1500]) is not None


# ---- crop


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_crop_equals_loop_for_every_offset_with_and_without_mirroring(padding, channels):
    height, width = 4, 5
    offsets = range(2 * padding + 1)
    cases = [(top, left, mirrored) for top in offsets for left in offsets for mirrored in (False, True)]
    images = numbered(len(cases), height, width, channels)
    top, left, mirrored = (torch.tensor(column) for column in zip(*cases, strict=True))
    result = crop(images, padding, top, left, mirrored)
    assert result.dtype == torch.uint8
    for image, cut, (first_row, first_column, flip) in zip(images, result, cases, strict=True):
        padded = torch.zeros(height + 2 * padding, width + 2 * padding, channels, dtype=torch.uint8)
        for i in range(height):
            for j in range(width):
                padded[i + padding, j + padding] = image[i, j]
        expected = torch.empty_like(image)
        for i in range(height):
            for j in range(width):
                to = width - 1 - j if flip else j
                expected[i, to] = padded[i + first_row, j + first_column]
        assert torch.equal(cut, expected), (first_row, first_column, flip)


# ---- augmentation


def offsets_of(augmenter: Augmenter, padding: int, count: int) -> tuple[list[int], list[int]]:
    """Which crops an augmenter without flips drew, read off the place of one bright pixel."""
    size, middle = 2 * padding + 3, padding + 1
    images = torch.zeros(count, size, size, 1, dtype=torch.uint8)
    images[:, middle, middle] = 255
    places = augmenter(images)[..., 0].nonzero()
    assert len(places) == count
    return (middle + padding - places[:, 1]).tolist(), (middle + padding - places[:, 2]).tolist()


@pytest.mark.parametrize("padding", [1, 3])
def test_every_pair_of_offsets_occurs_about_equally_often(padding):
    choices = (2 * padding + 1) ** 2
    top, left = offsets_of(
        Augmenter(Augmentation(flip=False, crop_padding=padding), generator(0)), padding, 100 * choices
    )
    counts = torch.zeros(2 * padding + 1, 2 * padding + 1)
    for pair in zip(top, left, strict=True):
        counts[pair] += 1
    assert counts.min() > 60
    assert counts.max() < 150


def test_equal_generator_seeds_give_equal_images_and_others_do_not():
    images = numbered(50, 6, 6, 3)
    augmentation = Augmentation(flip=True, crop_padding=2)
    first, again, other = (Augmenter(augmentation, generator(seed)) for seed in (1, 1, 2))
    for _ in range(3):
        result = first(images)
        assert torch.equal(result, again(images))
        assert not torch.equal(result, other(images))
    assert not torch.equal(first(images), result)


def test_augmentation_draws_from_its_generator_alone():
    images, augmentation = numbered(20, 6, 6, 1), Augmentation(flip=True, crop_padding=2)
    results = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        state = torch.get_rng_state()
        results.append(Augmenter(augmentation, generator(5))(images))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*results)


def test_about_half_of_the_images_are_mirrored_each_on_its_own():
    images = numbered(2000, 3, 4, 3)
    result = Augmenter(Augmentation(flip=True, crop_padding=0), generator(0))(images)
    mirrored = (result == images.flip(2)).flatten(1).all(1)
    kept = (result == images).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 0.45 < mirrored.double().mean() < 0.55
    assert 0.45 < (mirrored[1:] != mirrored[:-1]).double().mean() < 0.55


def test_without_flip_no_image_is_ever_mirrored():
    """Pixels brighten to the right; they still do in every crop."""
    ramp = torch.arange(1, 8, dtype=torch.uint8).reshape(1, 1, 7, 1).expand(1000, 7, 7, 1)
    result = Augmenter(Augmentation(flip=False, crop_padding=2), generator(0))(ramp)[:, 3, 2:5, 0].int()
    assert (result.diff(dim=1) == 1).all()


def test_no_augmentation_changes_nothing():
    images = numbered(20, 5, 6, 3)
    assert torch.equal(Augmenter(Augmentation(flip=False, crop_padding=0), generator(0))(images), images)


class Copies(TorchDispatchMode):
    """The operations that copy images, by name."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        self.names += [name] if name in ("constant_pad_nd", "index") else []
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("flip", "padding", "expected"),
    [(False, 0, []), (True, 0, ["index"]), (False, 2, ["constant_pad_nd", "index"])],
)
def test_images_are_copied_no_more_often_than_it_takes(flip, padding, expected):
    augmenter = Augmenter(Augmentation(flip=flip, crop_padding=padding), generator(0))
    with Copies() as copies:
        augmenter(numbered(4, 6, 6, 3))
    assert copies.names == expected


def test_augmentation_leaves_its_input_alone():
    images = numbered(20, 5, 6, 3)
    before = images.clone()
    Augmenter(Augmentation(flip=True, crop_padding=2), generator(0))(images)
    assert torch.equal(images, before)
