import math

import pytest

from cnntention.base.words import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (59.6, "60 s"), (119.6, "2 min"), (3569, "59 min"), (3599, "1.0 h"), (7500, "2.1 h"),
     (math.nan, "–")],
)  # fmt: skip
def test_durations_are_in_the_unit_that_suits_them(seconds, text):
    assert duration(seconds) == text
