"""An epoch as a thing that can be left after any step: order, sums, divergence, and what a state holds of it."""

import math

import pytest
import torch
from torch import nn

from cnntention.data.batches import Augmenter, Normalizer
from cnntention.data.dataset import Part
from cnntention.data.specs import Augmentation
from cnntention.training.epoch import CHECK_STEPS, DivergenceError, Epoch
from cnntention.training.precision import Precision
from cnntention.training.step import Step

CPU = torch.device("cpu")
AUGMENTATION = Augmentation(flip=True, crop_padding=1)
IMAGES, BATCH = 22, 5  # the last of five steps takes two images
LR = 0.1


class LeftError(Exception):
    """Leaves an epoch."""


def new_epoch(images: int, batch: int, seed: int) -> Epoch:
    return Epoch.start(images, batch, LR, torch.Generator().manual_seed(seed))


class Linear:
    """A linear model on random images, and an epoch over them."""

    def __init__(self, images: int = IMAGES):
        torch.manual_seed(0)
        self.part = Part(
            torch.randint(256, (images, 4, 4, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)),
            torch.arange(images) % 3,
        )
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LR, momentum=0.9)
        self.generator = torch.Generator().manual_seed(2)
        self.epoch = Epoch.start(images, BATCH, LR, self.generator)

    def run(self, check=lambda: None) -> None:
        normalize, augment = Normalizer(None, 1, CPU), Augmenter(AUGMENTATION, self.generator)
        step = Step(self.model, self.part, normalize, augment, self.optimizer, Precision("fp32", "of a test"))
        self.epoch.run(step, check)


def test_an_epoch_takes_each_image_once_in_the_order_of_the_generator():
    epoch, again, other = (new_epoch(IMAGES, BATCH, seed) for seed in (3, 3, 4))
    assert sorted(epoch.order.tolist()) == list(range(IMAGES))
    assert torch.equal(epoch.order, again.order)
    assert not torch.equal(epoch.order, other.order)
    assert epoch.order.tolist() != list(range(IMAGES))


@pytest.mark.parametrize(
    ("images", "batch", "sizes"),
    [(22, 5, [5, 5, 5, 5, 2]), (20, 5, [5] * 4), (1, 5, [1]), (5, 1, [1] * 5), (4, 5, [4])],
)
def test_the_last_step_takes_what_is_left(images, batch, sizes):
    epoch = new_epoch(images, batch, 3)
    taken: list[torch.Tensor] = []

    def step(epoch: Epoch) -> None:
        taken.append(epoch.batch())
        epoch.add(torch.tensor(1.0), torch.tensor(0))

    epoch.run(step)
    assert [len(index) for index in taken] == sizes
    assert torch.equal(torch.cat(taken), epoch.order)


@pytest.mark.parametrize("left_after", range(1, 6))
def test_an_epoch_left_after_any_step_and_restored_ends_with_the_bits_of_a_whole_one(left_after, tmp_path):
    whole, left = Linear(), Linear()
    whole.run()

    def leave() -> None:
        if left.epoch.step == left_after:
            raise LeftError

    with pytest.raises(LeftError):
        left.run(leave)
    # Through a file, as a state is, with a generator and an epoch that know nothing of the first ones.
    torch.save([left.epoch.state(), left.generator.get_state()], tmp_path / "state.pt")
    state, generator = torch.load(tmp_path / "state.pt", weights_only=True)
    left.epoch = Epoch.restore(state, CPU)
    assert left.epoch.step == left_after
    left.generator = torch.Generator().manual_seed(99)
    left.generator.set_state(generator)
    left.run()
    assert left.epoch.loss_and_error() == whole.epoch.loss_and_error()
    for one, other in zip(left.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(left.generator.get_state(), whole.generator.get_state())


def test_it_can_be_left_after_every_step_and_no_step_is_done_twice():
    linear = Linear()
    seen = []
    linear.run(lambda: seen.append(linear.epoch.step))
    assert seen == [1, 2, 3, 4, 5]
    before = [parameter.clone() for parameter in linear.model.parameters()]
    linear.run(lambda: pytest.fail("nothing is left to do"))
    assert all(torch.equal(one, other) for one, other in zip(before, linear.model.parameters(), strict=True))


def test_time_is_that_of_all_steps_and_goes_on_from_what_was_spent_before(monkeypatch):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    linear = Linear()
    linear.epoch.seconds = 1000.0
    seen = []
    linear.run(lambda: seen.append(linear.epoch.seconds))
    assert seen == [1002, 1004, 1006, 1008, 1012]  # the last step looks at the losses, and at the clock once more


def test_loss_and_error_are_means_over_images_not_steps():
    epoch = Epoch(torch.arange(22), 5, LR, torch.tensor([1.0, 2.0, 3.0, 4.0, 10.0]), torch.tensor(11), step=5)
    loss, error = epoch.loss_and_error()
    assert loss == pytest.approx((5 * (1 + 2 + 3 + 4) + 2 * 10) / 22)
    assert error == 50


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_loss_that_is_not_finite_is_an_error_that_names_its_step(monkeypatch, step, value):
    linear = Linear()
    entropy = nn.functional.cross_entropy

    def spoilt(scores, labels, **options):
        return entropy(scores, labels, **options) * (value if linear.epoch.step == step - 1 else 1)

    monkeypatch.setattr(nn.functional, "cross_entropy", spoilt)
    with pytest.raises(DivergenceError) as caught:
        linear.run()
    assert caught.value.step == step
    assert math.isnan(caught.value.loss) or caught.value.loss == value


def test_divergence_is_noticed_long_before_a_long_epoch_ends(monkeypatch):
    linear = Linear(images=BATCH * CHECK_STEPS * 3)
    monkeypatch.setattr(nn.functional, "cross_entropy", lambda scores, *_, **__: scores.sum() * math.nan)
    with pytest.raises(DivergenceError) as caught:
        linear.run()
    assert (caught.value.step, linear.epoch.step) == (1, CHECK_STEPS)
