import pytest
import torch

from cnntention.attention.registry import create

PLACEBOS = {
    "selfatt-uniform": ("selfatt", {}),
    "selfatt-random": ("selfatt", {}),
    "mha-uniform": ("mha", {"heads": 4}),
    "mha-random": ("mha", {"heads": 4}),
    "cbam-constant": ("cbam", {"reduction": 16}),
}


def pair(placebo: str, channels: int = 16):
    """A block and its placebo, from one seed."""
    block, options = PLACEBOS[placebo]
    torch.manual_seed(0)
    real = create(block, channels, **options)
    torch.manual_seed(0)
    return real, create(placebo, channels, **options)


@pytest.fixture
def images():
    return torch.randn(3, 16, 5, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", PLACEBOS)
def test_a_placebo_has_the_parameters_of_its_block(name):
    real, placebo = pair(name)
    parameters = dict(placebo.named_parameters())
    assert list(parameters) == [key for key, _ in real.named_parameters()]
    assert all(torch.equal(parameters[key], value) for key, value in real.named_parameters())


@pytest.mark.parametrize("name", ["selfatt-uniform", "mha-uniform"])
def test_uniform_is_the_attention_of_equal_scores(name, images):
    real, placebo = pair(name)
    for block in (real, placebo):
        block.query.weight.data.zero_()
        block.query.bias.data.zero_()
    torch.testing.assert_close(placebo(images), real(images))


@pytest.mark.parametrize("name", ["selfatt-uniform", "selfatt-random", "mha-uniform", "mha-random"])
def test_weights_do_not_depend_on_the_image(name, images):
    """Then the answer to a sum of images is the sum of the answers, but for the biases."""
    _, placebo = pair(name)
    nothing = torch.zeros_like(images[:1])
    placebo = placebo.double()
    first, second = images[:1].double(), images[1:2].double()
    together = placebo(first + second) - placebo(nothing.double())
    alone = placebo(first) + placebo(second) - 2 * placebo(nothing.double())
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("name", ["selfatt-random", "mha-random"])
def test_random_weights_stay_and_differ_by_position(name, images):
    _, placebo = pair(name)
    answer = placebo(images)
    assert torch.equal(answer, pair(name)[1](images))
    assert answer.std((2, 3)).min() > 1e-4


def test_heads_have_weights_of_their_own(images):
    _, placebo = pair("mha-random")
    placebo.value.weight.data.copy_(torch.ones(16, 16, 1, 1) / 16)  # each channel: the same image
    placebo.value.bias.data.zero_()
    placebo.output.weight.data.copy_(torch.eye(16)[:, :, None, None])
    placebo.output.bias.data.zero_()
    heads = placebo(images)[0].reshape(4, 4, 5, 6)
    torch.testing.assert_close(heads[:, 0], heads[:, 3])
    assert not torch.allclose(heads[0], heads[1], atol=1e-3)


def test_gates_are_one_number_which_is_their_mean(images):
    real, placebo = pair("cbam-constant")
    channel = real.channel.gate(images).mean()
    within = images * channel
    pixels = within.permute(0, 2, 3, 1)
    spatial = real.spatial.gate(pixels.flatten(0, 2), pixels.shape[:3]).mean()
    torch.testing.assert_close(placebo.train()(images), within * spatial)


def test_in_evaluation_gates_are_the_mean_over_batches(images):
    real, placebo = pair("cbam-constant")
    gates = [real.channel.gate(images * size).mean() for size in (1, 3)]
    placebo.train()(images)
    placebo(images * 3)
    held = (0.5 * 0.9 + 0.1 * gates[0]) * 0.9 + 0.1 * gates[1]
    torch.testing.assert_close(placebo.channel.held.mean, held)
    factor = placebo.eval()(images) / images
    torch.testing.assert_close(factor, factor.mean().expand_as(factor))
    torch.testing.assert_close(placebo(images)[:1], placebo(images[:1]))


def test_the_gates_learn_through_their_mean(images):
    _, placebo = pair("cbam-constant")
    placebo.train()(images).square().sum().backward()
    assert all(parameter.grad is not None for parameter in placebo.parameters())
