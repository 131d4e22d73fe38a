"""A model's answers, in batches that fit into memory."""

import math

import pytest
import torch
from torch import Tensor, nn

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part
from cnntention.network import predict

NORMALIZE = Normalizer(None, 1, "cpu")
OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("Invalid buffer size: 16.00 GiB"),
]


@pytest.fixture
def part() -> Part:
    images = torch.randint(256, (30, 2, 2, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Part(images, torch.zeros(30, dtype=torch.long))


class Limited(nn.Module):
    """Stands for a network on a device that has memory for so many images at most."""

    def __init__(self, images: int, error: Exception):
        super().__init__()
        self.images, self.error = images, error
        self.answered: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.images:
            raise self.error
        self.answered.append(len(x))
        return x.flatten(1)[:, :3]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["CUDA", "MPS"])
def test_a_batch_that_runs_out_of_memory_is_begun_anew_with_half_of_the_images(part, error):
    small, large = Limited(8, error), Limited(500, error)
    assert torch.equal(predict.logits(small, part, NORMALIZE), predict.logits(large, part, NORMALIZE))
    assert large.answered == [30]
    assert small.answered == [8, 8, 8, 6], "no image twice"


def test_memory_that_ends_later_costs_no_answer_that_is_there(part, monkeypatch):
    monkeypatch.setitem(predict.BATCH_SIZES, "cpu", 8)
    model = Limited(500, OUT_OF_MEMORY[0])
    model.register_forward_hook(lambda *_: setattr(model, "images", 500 if len(model.answered) < 2 else 5))
    scores = predict.logits(model, part, NORMALIZE)
    assert model.answered == [8, 8, 4, 4, 4, 2]
    assert torch.equal(scores, NORMALIZE(part.images).flatten(1)[:, :3])


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["CUDA", "MPS"])
def test_too_little_memory_for_one_image_is_an_error(part, error):
    with pytest.raises(type(error)) as caught:
        predict.logits(Limited(0, error), part, NORMALIZE)
    assert caught.value is error


def test_other_errors_are_not_taken_for_it(part):
    error = RuntimeError("shapes do not fit")
    with pytest.raises(RuntimeError) as caught:
        predict.logits(Limited(8, error), part, NORMALIZE)
    assert caught.value is error


def test_loss_and_error_are_those_of_the_images():
    scores = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    loss, error = predict.loss_and_error(scores, torch.tensor([0, 1, 1]))
    expected = math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)) + 3 + math.log1p(math.exp(-3))
    assert loss == pytest.approx(expected / 3)
    assert error == pytest.approx(100 / 3)
