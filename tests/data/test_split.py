"""Which images judge a run."""

import numpy as np
import pytest

from cnntention.data import split


@pytest.mark.parametrize(("name", "part", "held_out"), [("full", "test", 0), ("tune", "validation", 5000)])
def test_the_images_that_a_split_trains_on_and_is_judged_by(name, part, held_out):
    """Test images judge what was trained on all others; where they are spared, validation images do, held out."""
    assert split.judging_part(name) == part
    assert split.judged_error(name) == f"{part}_error"
    assert split.parts_with_curves(name) == ("train", part)
    assert split.validation_images(name, 5000) == held_out


def test_the_cut_takes_each_image_once_and_stays_what_it_was():
    held_out, kept = split.cut(100, 30)
    assert sorted([*held_out, *kept]) == list(range(100))
    assert held_out.tolist() == sorted(np.random.default_rng(0).permutation(100)[:30].tolist())
