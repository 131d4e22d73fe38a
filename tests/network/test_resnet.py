"""The network: sizes, shortcut, initialisation, and the same trunk under every attention."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from run_specs import MHA, SELFATT
from torch import Tensor, nn

from cnntention.attention.registry import catalogue
from cnntention.network.resnet import OptionAShortcut, ResNet, initialise
from cnntention.network.specs import Attention

torch.set_num_threads(1)

BLOCKS = [name for name in catalogue() if not name.startswith("timm/")]


def cbam(reduction: int) -> Attention:
    return Attention("cbam", "plain", {"reduction": reduction})


def attention_of(name: str, residual: str) -> Attention:
    """A registered block with its default options."""
    options = {key: schema["default"] for key, schema in catalogue()[name].options.items() if "default" in schema}
    return Attention(name, residual, options)


def seeded(attention: Attention | None, depth: int = 20, in_channels: int = 3, seed: int = 10) -> ResNet:
    torch.manual_seed(seed)
    return ResNet(depth, in_channels, 10, attention)


def trunk_state(model: ResNet) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("attention.")}


def randomise_batch_norm(model: nn.Module) -> None:
    """Statistics and weights as after some training, so that evaluation mode is no identity."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
            ):
                tensor.uniform_(low, high)


# ---- parameters


def test_counts_of_the_published_checkpoints():
    """Counted on the authors' checkpoints; with one input channel the stem has 2 * 16 * 9 = 288 weights fewer."""
    published = {
        "baseline": (None, 269_722),
        "selfatt": (SELFATT, 286_189),
        "mha": (MHA, 291_677),
        "cbam-16": (cbam(16), 270_691),
    }
    for name, (attention, expected) in published.items():
        for in_channels, fewer in ((3, 0), (1, 288)):
            count = sum(p.numel() for p in seeded(attention, in_channels=in_channels).parameters())
            assert count == expected - fewer, (name, in_channels)


@pytest.mark.parametrize("reduction", [8, 16, 32])
def test_count_of_cbam_by_hand(reduction):
    """Two bias-free layers C x max(1, C // r), and a 7x7 convolution from 2 planes to 1 with bias, in each stage."""
    added = sum(2 * channels * max(1, channels // reduction) + 2 * 49 + 1 for channels in (16, 32, 64))
    assert sum(p.numel() for p in seeded(cbam(reduction)).parameters()) == 269_722 + added


@pytest.mark.parametrize(("depth", "blocks"), [(8, 1), (20, 3), (32, 5)])
def test_depth_counts_the_weighted_layers(depth, blocks):
    model = seeded(None, depth)
    assert [len(stage) for stage in model.stages] == [blocks] * 3
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules()) == depth


# ---- forward


@pytest.mark.parametrize(("added", "stride"), [(1, 2), (16, 2), (32, 2), (0, 2), (4, 1)])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 10)])
def test_option_a_shortcut_takes_every_pixel_of_the_stride_between_even_zeros(added, stride, height, width):
    x = torch.randn(2, 3, height, width)
    result = OptionAShortcut(added, stride)(x)
    before = added // 2
    assert result.shape == (2, 3 + added, math.ceil(height / stride), math.ceil(width / stride))
    for channel in range(3 + added):
        for i in range(result.shape[2]):
            for j in range(result.shape[3]):
                inside = before <= channel < before + 3
                expected = x[:, channel - before, stride * i, stride * j] if inside else torch.zeros(2)
                assert torch.equal(result[:, channel, i, j], expected)


@pytest.mark.parametrize("widths", [(16, 32, 64), (8, 8, 24), (4, 4, 4)])
def test_each_stage_has_its_width_and_all_but_the_first_halve_the_image(widths):
    """Equal widths too: the stride is no matter of the channels."""
    model = ResNet(14, 3, 5, SELFATT, widths)
    x = model.bn(model.conv(torch.randn(2, 3, 12, 10)))
    shapes = []
    for stage in model.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(widths[0], 12, 10), (widths[1], 6, 5), (widths[2], 3, 3)]
    assert [model.attention[stage].block.query.out_channels for stage in range(3)] == list(widths)
    assert model(torch.randn(2, 3, 12, 10)).shape == (2, 5)


def forward_by_hand(model: ResNet, x: Tensor) -> Tensor:
    """ResNet-20 in evaluation mode from its weights, as section 4.2 of He et al. (2015) describes it."""
    weights = model.state_dict()

    def convolve(x: Tensor, name: str, stride: int = 1) -> Tensor:
        return F.conv2d(x, weights[f"{name}.weight"], stride=stride, padding=1)

    def normalise(x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            weights[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(variance + 1e-5) * scale + shift

    x = normalise(convolve(x, "conv"), "bn").clamp(min=0)
    for stage in range(3):
        for block in range(3):
            name = f"stages.{stage}.{block}"
            stride = 2 if stage > 0 and block == 0 else 1
            out = normalise(convolve(x, f"{name}.conv1", stride), f"{name}.bn1").clamp(min=0)
            out = normalise(convolve(out, f"{name}.conv2"), f"{name}.bn2")
            if stride == 2:
                zeros = torch.zeros(len(x), x.shape[1] // 2, *out.shape[2:], dtype=x.dtype)
                x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
            x = (out + x).clamp(min=0)
        x = model.attention[stage](x)
    return x.flatten(2).sum(2) / x[0, 0].numel() @ weights["fc.weight"].T + weights["fc.bias"]


@pytest.mark.parametrize("attention", [None, SELFATT, cbam(16)])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (14, 20)])
def test_forward_equals_the_network_written_out(attention, height, width):
    model = seeded(attention).double().eval()
    randomise_batch_norm(model)
    for block in model.attention:
        if hasattr(block, "gate"):
            nn.init.constant_(block.gate, 0.7)
    with torch.no_grad():
        x = torch.randn(2, 3, height, width, dtype=torch.float64)
        torch.testing.assert_close(model(x), forward_by_hand(model, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (28, 28), (8, 8), (9, 15)])
def test_logits_for_any_image_size(height, width):
    assert seeded(MHA, depth=8, in_channels=1).eval()(torch.zeros(2, 1, height, width)).shape == (2, 10)


# ---- initialisation


def test_convolutions_and_linear_layers_start_kaiming_normal_with_fan_out():
    """Standard deviation sqrt(2 / fan-out), fan-out being outputs times kernel size, and a normal's kurtosis of 3."""
    standardised = []
    for attention in (None, SELFATT, MHA, cbam(4)):
        for module in seeded(attention).modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                weight = module.weight.detach()
                fan_out = len(weight) * weight[0, 0].numel()
                scaled = weight.flatten() * (fan_out / 2) ** 0.5
                error = 1 / (2 * scaled.numel()) ** 0.5  # of a standard deviation estimated from that many weights
                assert abs(scaled.square().mean().sqrt() - 1) < 5 * error, module
                standardised.append(scaled)
    pooled = torch.cat(standardised)
    assert abs(pooled.mean()) < 0.01
    assert abs(pooled.pow(4).mean() - 3) < 0.05


class Own(nn.Module):
    """A block that has a way of its own to begin."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.inner = nn.Sequential(nn.Linear(2, 2))
        nn.init.zeros_(self.conv.weight)
        nn.init.zeros_(self.inner[0].weight)


@pytest.mark.parametrize("keeps", [False, True])
def test_a_block_keeps_its_initial_values_if_it_says_so(monkeypatch, keeps):
    if keeps:
        monkeypatch.setattr(Own, "keeps_initial_values", True, raising=False)
    block, beside = Own(), nn.Conv2d(2, 2, 1)
    before = beside.weight.clone()
    initialise(nn.Sequential(block, beside))
    assert [bool(weight.any()) for weight in (block.conv.weight, block.inner[0].weight)] == [not keeps] * 2
    assert not torch.equal(beside.weight, before)


@pytest.mark.parametrize("attention", [None, SELFATT, MHA, cbam(16)])
def test_batch_norm_starts_as_one_and_zero(attention):
    layers = [module for module in seeded(attention).modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(layers) == 19
    assert all((layer.weight == 1).all() and (layer.bias == 0).all() for layer in layers)


def test_batch_norm_keeps_nine_tenths_of_its_statistics_in_a_step():
    """He et al.'s trainings, and torch's default: a step's own statistics count a tenth."""
    model, x = seeded(None, depth=8).train(), torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = {}
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda module, inputs: seen.update({module: inputs[0].detach()}))
    with torch.no_grad():
        model(x)
    assert len(seen) == 7
    for layer, inputs in seen.items():
        torch.testing.assert_close(layer.running_mean, 0.1 * inputs.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(layer.running_var, 0.9 + 0.1 * inputs.var((0, 2, 3)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("attention", [None, SELFATT, MHA, cbam(16)])
def test_biases_start_evenly_spread_by_fan_in(attention):
    """torch's default: uniform within 1 / sqrt(fan-in), whose standard deviation is that divided by sqrt(3)."""
    scaled = []
    for seed in range(10, 14):
        for module in seeded(attention, seed=seed).modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                scaled.append(module.bias.detach() * module.weight[0].numel() ** 0.5)
    pooled = torch.cat(scaled)
    assert pooled.abs().max() <= 1
    assert abs(pooled.std() - 3**-0.5) < 0.15


@pytest.mark.parametrize("residual", ["none", "plain", "weighted"])
@pytest.mark.parametrize("name", BLOCKS)
def test_one_seed_gives_one_trunk_whatever_the_attention(name, residual):
    baseline, model = trunk_state(seeded(None)), trunk_state(seeded(attention_of(name, residual)))
    assert baseline.keys() == model.keys()
    assert all(torch.equal(baseline[key], model[key]) for key in baseline)


def test_seeds_give_different_trunks_and_a_seed_the_same_one():
    first, again, other = (trunk_state(seeded(None, depth=8, seed=seed)) for seed in (10, 10, 11))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["conv.weight"], other["conv.weight"])


# ---- attention in the network


@pytest.mark.parametrize(("placement", "a_stage"), [("stage", 1), ("block", 3)])
@pytest.mark.parametrize("stages", [(1, 2, 3), (3,), (1, 3)])
def test_attention_is_where_it_is_asked_for_and_nowhere_else(placement, a_stage, stages):
    """Parameters of SelfAtt: three convolutions C x C with biases, and a gate."""
    model = seeded(dataclasses.replace(SELFATT, placement=placement, stages=stages))
    counts = [a_stage if stage in stages else 0 for stage in (1, 2, 3)]
    assert [len(connections) for connections in model.connections()] == counts
    added = sum(count * (3 * (c * c + c) + 1) for count, c in zip(counts, (16, 32, 64), strict=True))
    assert sum(p.numel() for p in model.parameters()) == 269_722 + added
    trunk = {name: tensor for name, tensor in model.state_dict().items() if "attention" not in name}
    assert all(torch.equal(trunk[name], tensor) for name, tensor in trunk_state(seeded(None)).items())


@pytest.mark.parametrize("residual", ["none", "plain", "weighted"])
def test_attention_within_a_residual_block_is_before_its_shortcut(residual):
    """As in the original CBAM: F(x), attention, the shortcut, ReLU."""
    model = seeded(dataclasses.replace(cbam(16), residual=residual, placement="block")).eval()
    randomise_batch_norm(model)
    first = model.stages[1][0]
    attention = first.attention
    if residual == "weighted":
        nn.init.constant_(attention.gate, 0.7)
    x = torch.randn(2, 16, 8, 8)
    with torch.no_grad():
        inner = first.bn2(first.conv2(F.relu(first.bn1(first.conv1(x)))))
        within = {"none": 0, "plain": 1, "weighted": 1}[residual] * inner
        within = within + (0.7 if residual == "weighted" else 1) * attention.block(inner)
        torch.testing.assert_close(first(x), F.relu(within + first.shortcut(x)))


@pytest.mark.parametrize("name", ["selfatt", "mha", "cbam", "parallel"])
def test_attention_within_residual_blocks_trains(name):
    """Nothing that the backward pass needs is overwritten."""
    model = seeded(dataclasses.replace(attention_of(name, "none"), placement="block"), depth=8)
    F.cross_entropy(model(torch.randn(8, 3, 16, 16)), torch.arange(8)).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", BLOCKS)
def test_zero_gates_leave_the_logits_of_the_baseline_bit_for_bit(name, training, memory_format):
    """A block that changes the layout in memory sends the next convolution another way, which rounds otherwise."""
    models = [seeded(attention).train(training) for attention in (None, attention_of(name, "weighted"))]
    x = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)).to(memory_format=memory_format)
    with torch.no_grad():
        baseline, attentive = (model.to(memory_format=memory_format)(x) for model in models)
    assert torch.equal(baseline, attentive), (baseline - attentive).abs().max()


@pytest.mark.parametrize("residual", ["none", "plain", "weighted"])
@pytest.mark.parametrize("name", BLOCKS)
def test_every_parameter_of_the_network_gets_a_finite_gradient(name, residual):
    """Placebos have queries and keys that are there for their number alone."""
    idle = (".query.", ".key.") if name.endswith(("-uniform", "-random")) else ()
    model = seeded(attention_of(name, residual), depth=8)
    x = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    F.cross_entropy(model(x), torch.arange(8)).backward()
    for parameter_name, parameter in model.named_parameters():
        assert (parameter.grad is None) == any(part in parameter_name for part in idle), parameter_name
        assert parameter.grad is None or parameter.grad.isfinite().all(), parameter_name
