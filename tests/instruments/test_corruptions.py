"""Errors on corrupted images."""

import numpy as np
import pytest
import torch
from instrument_subjects import subject

from cnntention.base.errors import DataError
from cnntention.data.corruption import CORRUPTIONS, corrupt
from cnntention.instruments.corruptions import measure


def measured(what, path=None) -> dict:
    return {(number.of["corruption"], number.name): number.value for number in measure(what, path).numbers}


def test_errors_are_those_on_corrupted_images_and_their_means():
    what = subject(None, images=50)
    found = measured(what)
    assert list(dict.fromkeys(name for name, _ in found)) == ["none", *CORRUPTIONS, "all"]
    with torch.no_grad():
        answers = what.model(what.normalize(corrupt(what.part.images, "occlusion", 5))).argmax(1)
    assert found["occlusion", "strength 5"] == pytest.approx(100 * (answers != what.part.labels).double().mean().item())
    by_strength = [found["noise", f"strength {strength}"] for strength in range(1, 6)]
    assert found["noise", "mean error"] == pytest.approx(np.mean(by_strength))
    means = [found[name, "mean error"] for name in CORRUPTIONS]
    assert found["all", "mean error"] == pytest.approx(np.mean(means))


def test_files_that_change_nothing_give_the_error_without_corruption(tmp_path):
    what = subject(None, images=9)
    np.save(tmp_path / "jpeg_compression.npy", np.tile(what.part.images.numpy(), (5, 1, 1, 1)))
    np.save(tmp_path / "labels.npy", np.tile(what.part.labels.numpy(), 5))
    np.save(tmp_path / "spatter.npy", np.zeros(1))  # not one of those that CIFAR-10-C's mean is of
    (tmp_path / "._jpeg_compression.npy").write_bytes(b"of a Mac")
    found = measured(what, str(tmp_path))
    assert {name for name, _ in found} == {"none", "jpeg compression", "all"}
    assert len(set(found.values())) == 1


def test_files_of_test_images_are_not_for_a_run_that_others_judge(tmp_path):
    with pytest.raises(DataError, match=r"made of test images, and separable/tiny/tune/seed10 is judged by others"):
        measure(subject(None, split="tune", validation_images=3), str(tmp_path))
