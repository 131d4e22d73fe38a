"""What an answer takes."""

import pytest
import torch
from instrument_subjects import subject
from torch import Tensor, nn

from cnntention.instruments.latency import measure, peak_memory


class Three(nn.Module):
    """Has three copies of its input at once, and then sums one up."""

    def forward(self, x: Tensor) -> Tensor:
        one = x + 1
        two = one + 1
        return (one + two).sum(1)


def test_memory_is_that_of_the_tensors_that_are_there_at_once():
    images = torch.zeros(500, 1000)
    assert peak_memory(Three(), images) == (3 * 500 * 1000 + 500) * 4


def test_each_size_of_batch_has_a_time_and_a_throughput_that_agree():
    found = {(number.name, number.of["batch"]): number.value for number in measure(subject(None), 0.01).numbers}
    for batch in (1, 128):
        assert found["throughput", batch] == pytest.approx(1000 * batch / found["latency", batch])
    assert found["memory", 128] > found["memory", 1] > 0
