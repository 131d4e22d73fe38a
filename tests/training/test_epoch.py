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

CPU = torch.device("cpu")
AUGMENTATION = Augmentation(flip=True, crop_padding=1)
IMAGES, BATCH = 22, 5  # the last of five steps takes two images


class LeftError(Exception):
    """Leaves an epoch."""


class Training:
    """A linear model on random images, and an epoch over them."""

    def __init__(self, lr: float = 0.1, images: int = IMAGES):
        torch.manual_seed(0)
        self.part = Part(
            torch.randint(256, (images, 4, 4, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)),
            torch.arange(images) % 3,
        )
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.generator = torch.Generator().manual_seed(2)
        self.augment = Augmenter(AUGMENTATION, self.generator)
        self.epoch = Epoch.start(images, BATCH, self.generator)

    def run(self, check=lambda: None) -> None:
        normalize, fp32 = Normalizer(None, 1, CPU), Precision("fp32", "of a test")
        self.epoch.run(self.model, self.part, normalize, self.augment, self.optimizer, fp32, check)


def test_an_epoch_takes_each_image_once_in_the_order_of_the_generator():
    epoch = Epoch.start(IMAGES, BATCH, torch.Generator().manual_seed(3))
    again = Epoch.start(IMAGES, BATCH, torch.Generator().manual_seed(3))
    other = Epoch.start(IMAGES, BATCH, torch.Generator().manual_seed(4))
    assert sorted(epoch.order.tolist()) == list(range(IMAGES))
    assert torch.equal(epoch.order, again.order)
    assert not torch.equal(epoch.order, other.order)
    assert epoch.order.tolist() != list(range(IMAGES))


@pytest.mark.parametrize(("images", "batch", "steps"), [(22, 5, 5), (20, 5, 4), (1, 5, 1), (5, 1, 5), (4, 5, 1)])
def test_the_last_step_takes_what_is_left(images, batch, steps):
    epoch = Epoch.start(images, batch, torch.Generator())
    assert epoch.steps == steps
    assert epoch.step == 0


@pytest.mark.parametrize("left_after", range(1, 6))
def test_an_epoch_left_after_any_step_and_restored_ends_with_the_bits_of_a_whole_one(left_after, tmp_path):
    whole, left = Training(), Training()
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
    left.augment = Augmenter(AUGMENTATION, left.generator)
    left.run()
    assert left.epoch.loss_and_error() == whole.epoch.loss_and_error()
    for one, other in zip(left.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(left.generator.get_state(), whole.generator.get_state())


def test_it_can_be_left_after_every_step_and_no_step_is_done_twice():
    training = Training()
    seen = []
    training.run(lambda: seen.append((training.epoch.step, training.epoch.seconds)))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5]
    seconds = [second for _, second in seen]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    before = [parameter.clone() for parameter in training.model.parameters()]
    training.run(lambda: pytest.fail("nothing is left to do"))
    assert all(torch.equal(one, other) for one, other in zip(before, training.model.parameters(), strict=True))


def test_time_goes_on_from_what_was_spent_before():
    training = Training()
    training.epoch.seconds = 1000.0
    training.run()
    assert 1000 < training.epoch.seconds < 1060


def test_loss_and_error_are_means_over_images_not_steps():
    epoch = Epoch(torch.arange(22), 5, torch.tensor([1.0, 2.0, 3.0, 4.0, 10.0]), torch.tensor(11), step=5)
    loss, error = epoch.loss_and_error()
    assert loss == pytest.approx((5 * (1 + 2 + 3 + 4) + 2 * 10) / 22)
    assert error == 50


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_loss_that_is_not_finite_is_an_error_that_names_its_step(monkeypatch, step, value):
    training = Training()
    entropy = nn.functional.cross_entropy

    def spoilt(scores, labels):
        return entropy(scores, labels) * (value if training.epoch.step == step - 1 else 1)

    monkeypatch.setattr(nn.functional, "cross_entropy", spoilt)
    with pytest.raises(DivergenceError) as caught:
        training.run()
    assert caught.value.step == step
    assert math.isnan(caught.value.loss) or caught.value.loss == value


def test_divergence_is_noticed_long_before_a_long_epoch_ends(monkeypatch):
    training = Training(images=BATCH * CHECK_STEPS * 3)
    monkeypatch.setattr(nn.functional, "cross_entropy", lambda scores, labels: scores.sum() * math.nan)
    with pytest.raises(DivergenceError) as caught:
        training.run()
    assert (caught.value.step, training.epoch.step) == (1, CHECK_STEPS)
