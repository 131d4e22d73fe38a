"""Options of SelfAtt and MHA that the paper has not: axis, positions, scale; parallel paths."""

import inspect
import itertools
import math

import pytest
import torch
from test_attention import attend_by_loop, block, feature_map, image, project, tokens, written_out
from torch import Tensor, nn

from cnntention.attention import registry
from cnntention.attention.positions import positions

torch.set_num_threads(1)


def over_channels(attention: nn.Module, x: Tensor, heads: int, scaled: bool) -> Tensor:
    """Channels are the tokens; each attends to those of its head, with a loop over them."""
    query, key, value = (image(project(p, tokens(x)), x) for p in (attention.query, attention.key, attention.value))
    depth, scale = x.shape[1] // heads, 1 / math.sqrt(x.shape[2] * x.shape[3]) if scaled else 1.0
    parts = []
    for head in range(heads):
        of_head = [each[:, head * depth : (head + 1) * depth].flatten(2) for each in (query, key, value)]
        parts.append(attend_by_loop(*of_head, scale))
    return torch.cat(parts, dim=1).view(x.shape)


@pytest.mark.parametrize(("name", "heads"), [("selfatt", 1), ("mha", 2)])
def test_the_channel_axis_equals_a_loop_over_channels_and_both_is_the_sum(name, heads):
    options = {"heads": heads} if name == "mha" else {}
    attention, x = block(name, 8, axis="channel", **options), feature_map(2, 8, 3, 4) / 4
    with torch.no_grad():
        expected = over_channels(attention, x, heads, scaled=name == "mha")
        spatial = block(name, 8, **options)
        if name == "mha":  # the sum is taken before the output projection, whose bias then comes once
            spatial.output, bias = nn.Identity(), attention.output.bias[:, None, None]
            expected = image(project(attention.output, tokens(expected)), x)
            of_space = image(project(attention.output, tokens(spatial(x))), x) - bias
        else:
            of_space = spatial(x)
        torch.testing.assert_close(attention(x), expected, rtol=1e-10, atol=1e-12)
        both = block(name, 8, axis="both", **options)
        torch.testing.assert_close(both(x), expected + of_space, rtol=1e-10, atol=1e-12)


def test_scaled_selfatt_divides_the_scores_by_the_root_of_the_channels():
    attention, x = block("selfatt", 8, scale=True), feature_map(2, 8, 3, 4) / 4
    with torch.no_grad():
        query, key, value = (project(p, tokens(x)) for p in (attention.query, attention.key, attention.value))
        expected = image(attend_by_loop(query, key, value, 1 / math.sqrt(8)), x)
        torch.testing.assert_close(attention(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["selfatt", "mha"])
@pytest.mark.parametrize(("axis", "kind"), [*itertools.product(["spatial", "channel", "both"], ["none", "learned"])])
def test_an_axis_has_no_parameters_and_learned_positions_64_a_channel(name, axis, kind):
    plain, other = block(name, 16), block(name, 16, axis=axis, positions=kind)
    more = sum(p.numel() for p in other.parameters()) - sum(p.numel() for p in plain.parameters())
    assert more == (16 * 64 if kind == "learned" else 0)


def test_options_that_came_later_have_their_default_in_the_code_too():
    """Specs leave it out, so that older results keep their digest."""
    for name, entry in registry.catalogue().items():
        later = {key: schema["default"] for key, schema in entry.options.items() if schema.get("later")}
        parameters = inspect.signature(type(block(name, 16)).__init__).parameters if later else {}
        assert {key: parameters[key].default for key in later} == later
        assert entry.spared(later) == {}


# ---- positions


@pytest.mark.parametrize("name", ["selfatt", "mha"])
def test_attention_does_not_know_of_positions_unless_it_is_told(name):
    """With the pixels in another order the answers are those in that order."""
    x = feature_map(1, 16, 4, 6) / 4
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))

    def shuffled(y: Tensor) -> Tensor:
        return y.flatten(2)[..., order].view(y.shape)

    for kind, same in (("none", True), ("learned", False), ("sinusoidal", False)):
        attention = block(name, 16, positions=kind)
        if kind == "learned":
            nn.init.normal_(attention.positions.grid)
        with torch.no_grad():
            assert torch.allclose(attention(shuffled(x)), shuffled(attention(x))) == same


def test_positions_go_into_queries_and_keys_and_not_into_values():
    attention, x = block("selfatt", 8, positions="sinusoidal"), feature_map(1, 8, 3, 4)
    for parameter in attention.query.parameters():
        nn.init.zeros_(parameter)  # all weights are equal: the answer is the mean value
    with torch.no_grad():
        expected = attention.value(x).mean((2, 3), keepdim=True).expand_as(x)
        torch.testing.assert_close(attention(x), expected)


def test_sinusoidal_positions_are_those_of_the_formula():
    x = torch.zeros(1, 8, 3, 5)
    found = positions("sinusoidal", 8)(x)[0]
    for row, column in itertools.product(range(3), range(5)):
        by_hand = [f(at * rate) for at in (row, column) for f in (math.sin, math.cos) for rate in (1, 0.01)]
        torch.testing.assert_close(found[:, row, column], torch.tensor(by_hand))


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_sinusoidal_positions_are_there_for_any_number_of_channels(channels):
    assert positions("sinusoidal", channels)(torch.zeros(2, channels, 3, 5)).shape == (2, channels, 3, 5)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (7, 14), (4, 28)])
def test_learned_positions_are_interpolated_as_torch_does(size):
    learned = positions("learned", 4)
    nn.init.normal_(learned.grid)
    expected = nn.functional.interpolate(learned.grid[None], size=size, mode="bilinear")
    torch.testing.assert_close(learned(torch.zeros(1, 4, *size)), expected)


# ---- parallel paths

MHA, CBAM = ({"block": "mha", "options": {"heads": 2}}, {"block": "cbam", "options": {"reduction": 4}})


def test_one_path_in_parallel_is_that_path():
    x = feature_map(2, 8, 5, 4)
    for join in ("sum", "concatenate"):
        parallel = block("parallel", 8, paths=[CBAM], join=join)
        if join == "concatenate":
            nn.init.dirac_(parallel.project.weight)
            nn.init.zeros_(parallel.project.bias)
        with torch.no_grad():
            torch.testing.assert_close(parallel(x), parallel.paths[0](x), rtol=0, atol=1e-12)


def test_paths_in_parallel_are_added_with_their_weights_or_projected_together():
    x = feature_map(2, 8, 5, 4)
    added, projected = (block("parallel", 8, paths=[MHA, CBAM], join=join) for join in ("sum", "concatenate"))
    assert added.weights.tolist() == [0.5, 0.5]
    with torch.no_grad():
        added.weights.copy_(torch.tensor([0.25, -2.0]))
        torch.testing.assert_close(added(x), 0.25 * added.paths[0](x) - 2 * added.paths[1](x))
        both = torch.cat([path(x) for path in projected.paths], dim=1)
        torch.testing.assert_close(projected(x), image(project(projected.project, tokens(both)), x))
    paths = sum(p.numel() for path in added.paths for p in path.parameters())
    assert sum(p.numel() for p in added.parameters()) == paths + 2
    assert sum(p.numel() for p in projected.parameters()) == paths + 2 * 8 * 8 + 8


def test_parallel_paths_rest_on_the_files_of_each():
    files = registry.files("parallel", {"paths": [MHA, {"block": "eca", "options": {}}]})
    assert {f"cnntention/attention/{name}.py" for name in ("parallel", "mha", "heads", "eca")} <= set(files)
    assert "cnntention/attention/cbam.py" not in files


def test_written_out_form_is_the_default():
    """The paper's blocks are those without any of these options."""
    attention, x = block("selfatt", 8), feature_map(1, 8, 3, 4) / 4
    with torch.no_grad():
        torch.testing.assert_close(attention(x), written_out(attention, x, 1, attend_by_loop))
