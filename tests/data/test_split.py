"""Which images judge a run."""

import pytest

from cnntention.data import split


@pytest.mark.parametrize(("name", "part", "held_out"), [("full", "test", 0), ("tune", "validation", 5000)])
def test_the_images_that_a_split_trains_on_and_is_judged_by(name, part, held_out):
    """Test images judge what was trained on all others; where they are spared, validation images do, held out."""
    assert split.judging_part(name) == part
    assert split.judged_error(name) == f"{part}_error"
    assert split.parts_with_curves(name) == ("train", part)
    assert split.validation_images(name, 5000) == held_out
