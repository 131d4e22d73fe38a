"""Corruptions against what they are by definition, and their files."""

import numpy as np
import pytest
import torch

from cnntention.base.errors import DataError
from cnntention.data.cifar10c import CorruptedFiles
from cnntention.data.corruption import CORRUPTIONS, STRENGTHS, corrupt
from cnntention.data.dataset import Part

GREY = torch.full((40, 20, 20, 1), 128, dtype=torch.uint8)


def squares(channels: int = 3) -> torch.Tensor:
    """A bright square in the middle of each image."""
    images = torch.full((8, 16, 16, channels), 40, dtype=torch.uint8)
    images[:, 5:11, 5:11] = 200
    return images


def hills(channels: int) -> torch.Tensor:
    """Bright in the middle, darker outwards: without edges, which a coarser grid may happen to meet."""
    x = torch.linspace(-2, 2, 32)
    hill = torch.exp(-(x[:, None] ** 2) - x**2)
    return (40 + 160 * hill).to(torch.uint8)[None, :, :, None].repeat(8, 1, 1, channels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_images_keep_their_shape_and_lose_more_the_stronger_it_is(name, channels):
    images = hills(channels)
    lost = []
    for strength in STRENGTHS:
        found = corrupt(images, name, strength)
        assert (found.shape, found.dtype) == (images.shape, torch.uint8)
        lost.append((found.double() - images.double()).abs().mean().item())
        torch.testing.assert_close(found, corrupt(images, name, strength), rtol=0, atol=0)
    assert lost == sorted(lost)
    assert 0 < lost[0] < lost[-1]


def test_the_state_of_the_generator_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    corrupt(squares(), "noise", 3)
    torch.testing.assert_close(torch.rand(2), expected)


def test_noise_has_its_standard_deviation():
    found = corrupt(GREY, "noise", 2).double()
    assert found.std().item() / 255 == pytest.approx(0.08, rel=0.02)
    assert found.mean().item() == pytest.approx(128, abs=0.5)


def test_contrast_is_what_is_left_of_the_distance_to_the_mean_and_brightness_a_factor():
    images = squares(1)
    mean = images.double().mean().item()
    expected = (mean + 0.5 * (images.double() - mean)).round().to(torch.uint8)
    assert (corrupt(images, "contrast", 2).int() - expected.int()).abs().max() <= 1
    torch.testing.assert_close(corrupt(GREY, "brightness", 2), (GREY.double() * 1.4).round().to(torch.uint8))


def test_a_shift_goes_to_each_side_and_leaves_zeros_behind():
    found = corrupt(GREY, "shift", 3)  # by two of twenty pixels
    empty = (found[..., 0] == 0).double()
    sides = {(tuple(image.mean(0).tolist()), tuple(image.mean(1).tolist())) for image in empty}
    assert len(sides) == 4
    assert set(empty.flatten(1).mean(1).tolist()) == {0.1}


def test_a_square_is_hidden():
    found = corrupt(GREY, "occlusion", 3)
    assert ((found == 0).flatten(1).sum(1) == 8 * 8).all()


# ---- files


@pytest.fixture
def test_part() -> Part:
    return Part(torch.arange(3 * 4 * 4, dtype=torch.uint8).view(3, 4, 4, 1), torch.tensor([0, 1, 1]))


@pytest.fixture
def folder(tmp_path, test_part):
    """Of one corruption, whose images have the strength, less one, added."""
    images = [test_part.images.numpy() + strength - 1 for strength in STRENGTHS]
    np.save(tmp_path / "fog.npy", np.concatenate(images))
    np.save(tmp_path / "labels.npy", np.tile([0, 1, 1], 5))
    return tmp_path


def test_the_files_are_strength_after_strength(folder, test_part):
    files = CorruptedFiles(folder, test_part)
    assert files.names == ["fog"]
    torch.testing.assert_close(files.images("fog", np.array([0, 2]), 4), test_part.images[[0, 2]] + 3)


def test_faulty_files_are_named(folder, test_part, tmp_path):
    def refused(match: str, of=test_part, where=folder):
        with pytest.raises(DataError, match=match) as caught:
            CorruptedFiles(where, of)
        assert "\n" not in str(caught.value)

    refused("none: no such folder", where=tmp_path / "none")
    refused(r"labels.npy: not five times the labels", of=Part(test_part.images, 1 - test_part.labels))
    np.save(folder / "haze.npy", np.zeros((15, 4, 4, 1)))
    refused(r"haze.npy: float64 \[15, 4, 4, 1\]; uint8 \[15, 4, 4, 1\] is needed")
    (folder / "haze.npy").write_bytes(b"")
    refused(r"haze.npy: not an array")
    (folder / "haze.npy").unlink()
    (folder / "labels.npy").unlink()
    refused(r"labels.npy: No such file")
    (folder / "fog.npy").unlink()
    refused(r"has no NAME.npy of a corruption")
