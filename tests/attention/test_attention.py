"""Attention blocks against loops over positions, their residual connections, and the registry that names them."""

import importlib.util
import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cnntention.attention import heads as heads_module
from cnntention.attention import registry
from cnntention.attention.residual import RESIDUALS, WeightedResidual
from cnntention.base.errors import ConfigError

torch.set_num_threads(1)

CATALOGUE = {
    name: entry
    for name, entry in registry.catalogue().items()
    if not name.startswith("timm/") or importlib.util.find_spec("timm")
}
HEADS = {"selfatt": [1], "mha": [1, 2, 8]}
DOT_PRODUCT_BLOCKS = [(name, heads) for name, choices in HEADS.items() for heads in choices]


def block(name: str, channels: int, seed: int = 0, **options) -> nn.Module:
    """A block in float64 with the schema's defaults for the options that are not given."""
    defaults = {key: schema["default"] for key, schema in CATALOGUE[name].options.items() if "default" in schema}
    torch.manual_seed(seed)
    return registry.create(name, channels, **(defaults | options)).double()


def dot_product_block(name: str, channels: int, heads: int) -> nn.Module:
    return block(name, channels, **({"heads": heads} if name == "mha" else {}))


def feature_map(*shape: int, seed: int = 1) -> Tensor:
    """Values whose mean differs from channel to channel and from image to image, as behind a trained stage."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    return noise + 2 * torch.randn(*shape[:2], 1, 1, generator=generator, dtype=torch.float64)


def tokens(x: Tensor) -> Tensor:
    """``[B, C, H, W] -> [B, H*W, C]``, row by row."""
    return torch.stack([x[:, :, i, j] for i in range(x.shape[2]) for j in range(x.shape[3])], dim=1)


def image(sequence: Tensor, like: Tensor) -> Tensor:
    """The inverse of :func:`tokens`."""
    height, width = like.shape[2:]
    rows = [torch.stack([sequence[:, i * width + j] for j in range(width)], dim=2) for i in range(height)]
    return torch.stack(rows, dim=2)


def project(convolution: nn.Conv2d, sequence: Tensor) -> Tensor:
    return sequence @ convolution.weight[:, :, 0, 0].T + convolution.bias


def attend_by_matmul(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return torch.softmax(query @ key.transpose(-2, -1) * scale, dim=-1) @ value


def attend_by_loop(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Softmax attention with a loop over images, positions and the positions that they look at."""
    result = torch.zeros_like(value)
    for b in range(len(query)):
        for i in range(query.shape[1]):
            exponentials = [math.exp(scale * float((query[b, i] * key[b, j]).sum())) for j in range(key.shape[1])]
            for j, exponential in enumerate(exponentials):
                result[b, i] += exponential / sum(exponentials) * value[b, j]
    return result


def attend_by_torch(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, scale=scale)


def written_out(attention: nn.Module, x: Tensor, heads: int, attend) -> Tensor:
    """SelfAtt (unscaled, no output projection) or MHA, head by head, from the block's weights."""
    multi_head = hasattr(attention, "output")
    sequence = tokens(x)
    query, key, value = (
        project(convolution, sequence) for convolution in (attention.query, attention.key, attention.value)
    )
    depth = x.shape[1] // heads
    scale = 1 / math.sqrt(depth) if multi_head else 1.0
    parts = []
    for head in range(heads):
        channels = slice(head * depth, (head + 1) * depth)
        parts.append(attend(query[..., channels], key[..., channels], value[..., channels], scale))
    result = torch.cat(parts, dim=-1)
    return image(project(attention.output, result) if multi_head else result, x)


class Recorder(TorchDispatchMode):
    """Records the name of every operation and the size of the largest tensor that one returned."""

    def __init__(self):
        super().__init__()
        self.largest = 0
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.names.add(str(func))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.largest = max(self.largest, leaf.numel())
        return result


# ---- SelfAtt and MHA


@pytest.mark.parametrize("attend", [attend_by_loop, attend_by_torch, attend_by_matmul])
@pytest.mark.parametrize(("name", "heads"), DOT_PRODUCT_BLOCKS)
def test_dot_product_attention_equals_written_out_form(name, heads, attend):
    attention, x = dot_product_block(name, 8, heads), feature_map(2, 8, 3, 4) / 4
    with torch.no_grad():
        torch.testing.assert_close(attention(x), written_out(attention, x, heads, attend), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "heads"), DOT_PRODUCT_BLOCKS)
def test_gradients_of_dot_product_attention_equal_those_of_written_out_form(name, heads):
    attention, x = dot_product_block(name, 16, heads), (feature_map(2, 16, 4, 5) / 4).requires_grad_()
    direction = feature_map(2, 16, 4, 5, seed=2)
    wanted = [x, *attention.parameters()]
    fast = torch.autograd.grad((attention(x) * direction).sum(), wanted)
    slow = torch.autograd.grad((written_out(attention, x, heads, attend_by_matmul) * direction).sum(), wanted)
    for actual, expected in zip(fast, slow, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("name", "heads"), [("selfatt", 1), ("mha", 2), ("mha", 8)])
def test_zeros_that_cuda_kernels_want_behind_each_head_change_nothing(name, heads, monkeypatch):
    """Heads of 12, 6 and 2 channels, filled up to 16, 8 and 8 as on CUDA; the scale stays that of the head itself."""
    depths = []
    pad, attend = heads_module._pad, F.scaled_dot_product_attention

    def spied(query, key, value, **options):
        depths.append({query.shape[-1], key.shape[-1], value.shape[-1]})
        return attend(query, key, value, **options)

    channels = 16 if heads == 8 else 12
    attention, x = dot_product_block(name, channels, heads), feature_map(2, channels, 4, 5) / 4
    monkeypatch.setattr(heads_module, "_pad", lambda tokens, multiple: pad(tokens, heads_module.CUDA_DEPTH_MULTIPLE))
    monkeypatch.setattr(F, "scaled_dot_product_attention", spied)
    with torch.no_grad():
        expected = written_out(attention, x, heads, attend_by_matmul)
        torch.testing.assert_close(attention(x), expected, rtol=1e-10, atol=1e-12)
    assert depths == [{math.ceil(channels / heads / 8) * 8}]


@pytest.mark.parametrize(("channels", "heads", "depth"), [(16, 8, 8), (32, 8, 8), (12, 1, 16), (64, 8, 8), (64, 1, 64)])
@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_heads_are_filled_up_on_cuda_alone(channels, heads, depth, device, monkeypatch):
    """On tensors without data, which say that they are on CUDA."""
    seen = []
    attend = F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda *x, **o: seen.extend(x) or attend(*x, **o))
    with FakeTensorMode():
        maps = [torch.empty(2, channels, 4, 5, device=device) for _ in range(3)]
        assert heads_module.attend(*maps, heads, 0.5).shape == maps[0].shape
    assert [x.shape[-1] for x in seen] == [depth if device == "cuda" else channels // heads] * 3


def test_nothing_is_copied_where_nothing_is_to_be_filled_up():
    tokens = torch.zeros(1, 2, 3, 16)
    assert heads_module._pad(tokens, 8) is tokens


@pytest.mark.parametrize("name", ["selfatt", "mha", "selfatt-uniform", "mha-uniform", "selfatt-random", "mha-random"])
def test_weights_are_those_by_which_a_block_mixes_its_values(name):
    """Each head's values, mixed by its weights, are what the block itself makes of them."""
    x = feature_map(2, 16, 3, 4)
    each = block(name, 16)
    weights = each.weights(x)
    values = tokens(each.value(x)).unflatten(2, (weights.shape[1], -1)).transpose(1, 2)
    mixed = image((weights @ values).transpose(1, 2).flatten(2), x)
    torch.testing.assert_close(each.output(mixed) if hasattr(each, "output") else mixed, each(x))
    torch.testing.assert_close(weights.sum(3), torch.ones(2, weights.shape[1], 12, dtype=torch.float64))


@pytest.mark.parametrize("name", ["cbam", "cbam-constant"])
def test_gates_are_what_cbam_multiplies_by(name):
    x = feature_map(2, 16, 5, 6)
    each = block(name, 16).eval()
    channel, position = each.gates(x)
    torch.testing.assert_close(x * channel[:, :, None, None] * position[:, None], each(x))


def test_scale_of_selfatt_matters_at_these_inputs():
    """Guards the comparison above: with 1/sqrt(C) the result would differ."""
    attention, x = block("selfatt", 8), feature_map(2, 8, 3, 4) / 4
    scaled = image(
        attend_by_matmul(
            *(project(p, tokens(x)) for p in (attention.query, attention.key, attention.value)), scale=1 / math.sqrt(8)
        ),
        x,
    )
    assert (attention(x) - scaled).abs().max() > 0.01


def test_mha_equals_torch_module_with_the_same_weights():
    ours, x = block("mha", 16, heads=8), feature_map(2, 16, 4, 3)
    theirs = nn.MultiheadAttention(16, 8, batch_first=True, dtype=torch.float64)
    projections = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([p.weight[:, :, 0, 0] for p in projections]))
        theirs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        theirs.out_proj.weight.copy_(ours.output.weight[:, :, 0, 0])
        theirs.out_proj.bias.copy_(ours.output.bias)
        sequence = tokens(x)
        expected = image(theirs(sequence, sequence, sequence, need_weights=False)[0], x)
        torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("name", "heads"), [("selfatt", 1), ("mha", 8)])
def test_no_tensor_of_positions_times_positions_exists(name, heads, memory_format):
    """Neither forward nor backward stores the N x N weights; the written-out form shows that the recorder sees them."""
    positions = 24 * 24
    attention = dot_product_block(name, 16, heads).float()
    x = feature_map(1, 16, 24, 24).float().to(memory_format=memory_format).requires_grad_()
    with Recorder() as fast:
        attention(x).sum().backward()
    with Recorder() as slow:
        written_out(attention, x, heads, attend_by_matmul).sum().backward()
    fused = {operation for operation in fast.names if "scaled_dot_product" in operation}
    assert any("backward" in operation for operation in fused)
    assert any("backward" not in operation for operation in fused)
    assert fast.largest < positions**2 <= slow.largest


# ---- CBAM


def cbam_by_loop(cbam: nn.Module, x: Tensor) -> Tensor:
    """CBAM (Woo et al. 2018) number by number."""
    first, second = (layer.weight.tolist() for layer in (cbam.channel.mlp[0], cbam.channel.mlp[2]))
    kernel, bias = cbam.spatial.conv.weight[0].tolist(), cbam.spatial.conv.bias.item()
    batch, channels, height, width = x.shape
    result = x.tolist()

    def sigmoid(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    def mlp(vector: list[float]) -> list[float]:
        hidden = [max(0.0, sum(w * v for w, v in zip(row, vector, strict=True))) for row in first]
        return [sum(w * v for w, v in zip(row, hidden, strict=True)) for row in second]

    for b in range(batch):
        planes = [[value for row in result[b][c] for value in row] for c in range(channels)]
        average = mlp([sum(plane) / len(plane) for plane in planes])
        maximum = mlp([max(plane) for plane in planes])
        for c in range(channels):
            weight = sigmoid(average[c] + maximum[c])
            result[b][c] = [[value * weight for value in row] for row in result[b][c]]
        columns = [[[result[b][c][i][j] for c in range(channels)] for j in range(width)] for i in range(height)]
        pooled = [
            [[max(column) for column in row] for row in columns],
            [[sum(column) / channels for column in row] for row in columns],
        ]
        for i in range(height):
            for j in range(width):
                score = bias
                for p in range(2):
                    for di in range(7):
                        for dj in range(7):
                            row, column = i + di - 3, j + dj - 3
                            if 0 <= row < height and 0 <= column < width:
                                score += kernel[p][di][dj] * pooled[p][row][column]
                for c in range(channels):
                    result[b][c][i][j] *= sigmoid(score)
    return torch.tensor(result, dtype=x.dtype)


@pytest.mark.parametrize(("channels", "reduction"), [(8, 2), (16, 16), (16, 32)])
def test_cbam_equals_loop(channels, reduction):
    cbam, x = block("cbam", channels, reduction=reduction), feature_map(2, channels, 5, 9)
    with torch.no_grad():
        torch.testing.assert_close(cbam(x), cbam_by_loop(cbam, x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("channels", "reduction", "hidden"), [(16, 8, 2), (16, 16, 1), (16, 32, 1), (32, 32, 1), (64, 32, 2), (64, 16, 4)]
)
def test_cbam_keeps_at_least_one_hidden_unit(channels, reduction, hidden):
    """max(1, C // r): the published CBAM-32 has no hidden unit in stage 1, and so no channel attention there."""
    first, _, second = block("cbam", channels, reduction=reduction).channel.mlp
    assert first.weight.shape == (hidden, channels)
    assert second.weight.shape == (channels, hidden)
    assert first.bias is None
    assert second.bias is None


def test_cbam_32_attends_to_channels_in_stage_1():
    channel = block("cbam", 16, reduction=32).channel
    x = feature_map(8, 16, 6, 6)
    weights = channel(x) / x
    assert weights.std() > 0.01


# ---- every registered block


@pytest.mark.parametrize(("height", "width"), [(32, 32), (28, 28), (16, 16), (12, 20)])
@pytest.mark.parametrize("name", CATALOGUE)
def test_block_keeps_the_shape_and_trains_every_parameter(name, height, width):
    """With a gate that is open, no parameter is left without a gradient.

    A key's bias is the exception, and that of timm's global context: it adds the same number to all scores of a query,
    which softmax does not see.
    """
    joined = WeightedResidual(block(name, 16)).double()
    nn.init.constant_(joined.gate, 0.5)
    x = feature_map(8, 16, height, width)
    result = joined(x)
    assert result.shape == x.shape
    (result * feature_map(*x.shape, seed=3)).sum().backward()
    for parameter_name, parameter in used(name, joined):
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        if parameter_name.endswith(("key.bias", "conv_attn.bias")):
            assert parameter.grad.abs().max() < 1e-9
        else:
            assert parameter.grad.abs().max() > 1e-6, parameter_name


def used(name: str, module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """Parameters that a block's answer depends on: placebos have queries and keys that are there for their number."""
    idle = ("query.", "key.") if name.endswith(("-uniform", "-random")) else ()
    return [
        (key, parameter)
        for key, parameter in module.named_parameters()
        if not key.removeprefix("block.").startswith(idle)
    ]


@pytest.mark.parametrize("name", CATALOGUE)
def test_block_behind_a_closed_gate_gets_zeros_and_opens_the_gate(name):
    joined = WeightedResidual(block(name, 16)).double()
    x = feature_map(4, 16, 8, 8)
    (joined(x) * feature_map(*x.shape, seed=3)).sum().backward()
    assert all((parameter.grad == 0).all() for _, parameter in used(name, joined.block))
    assert joined.gate.grad.abs() > 1e-6


@pytest.mark.parametrize("channels", [16, 32, 64])
@pytest.mark.parametrize("name", CATALOGUE)
def test_block_treats_images_of_a_batch_alone(name, channels):
    attention, x = block(name, channels).eval(), feature_map(3, channels, 8, 6)
    with torch.no_grad():
        alone = torch.cat([attention(single[None]) for single in x])
        torch.testing.assert_close(attention(x), alone, rtol=1e-10, atol=1e-12)


# ---- residual connections


@pytest.mark.parametrize("name", CATALOGUE)
def test_residuals_are_what_equations_2_and_3_say(name):
    attention, x = block(name, 16).eval(), feature_map(2, 16, 6, 7)
    joined = {kind: RESIDUALS[kind](attention).double() for kind in RESIDUALS}
    assert set(joined) == {"none", "plain", "weighted"}
    with torch.no_grad():
        inner = attention(x)
        assert (inner - x).abs().max() > 0.01
        assert torch.equal(joined["none"](x), inner)
        assert torch.equal(joined["plain"](x), inner + x)
        assert torch.equal(joined["weighted"](x), x)
        for gate in (0.5, -2.0):
            joined["weighted"].gate.fill_(gate)
            assert torch.equal(joined["weighted"](x), gate * inner + x)


@pytest.mark.parametrize(("residual", "extra"), [("none", 0), ("plain", 0), ("weighted", 1)])
def test_only_the_weighted_residual_has_a_parameter_which_starts_at_zero(residual, extra):
    attention = block("cbam", 16)
    joined = RESIDUALS[residual](attention)
    added = [p for name, p in joined.named_parameters() if not name.startswith("block.")]
    assert [(p.item(), p.requires_grad) for p in added] == [(0.0, True)] * extra


# ---- registry


def test_catalogue_lists_the_blocks_of_the_paper_with_their_options():
    assert set(CATALOGUE) >= {"selfatt", "mha", "cbam"}
    assert {name: set(CATALOGUE[name].options) for name in ("selfatt", "mha", "cbam")} == {
        "selfatt": {"scale", "axis", "positions"},
        "mha": {"heads", "axis", "positions"},
        "cbam": {"reduction"},
    }
    assert CATALOGUE["mha"].options["heads"]["default"] == 8
    assert CATALOGUE["cbam"].options["reduction"]["default"] == 16


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue_names_the_file_that_holds_the_class(name):
    entry = CATALOGUE[name]
    assert type(block(name, 16)).__module__ == entry.module
    assert f'"{name}"' in (ROOT / entry.file).read_text(encoding="utf-8")


def test_catalogue_is_read_without_torch():
    code = "import sys; from cnntention.attention.registry import catalogue; catalogue(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("decorator", ["register", "registry.register", "cnntention.attention.registry.register"])
def test_a_block_is_seen_by_whatever_path_its_file_names_the_decorator(decorator, tmp_path, monkeypatch):
    (tmp_path / "se.py").write_text(f"@{decorator}('se', size={{'type': 'integer'}})\nclass SE: pass\n")
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    entries = registry.catalogue.__wrapped__()
    (entry,) = entries.values()
    assert (list(entries), entry.module, entry.class_name) == (["se"], "cnntention.attention.se", "SE")
    assert entry.options == {"size": {"type": "integer"}}


def test_unknown_block_is_refused():
    with pytest.raises(ConfigError, match="no-such-block"):
        registry.create("no-such-block", 16)


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ({"a.py": "@register('a', size=SIZE)\nclass A: pass\n"}, "literals"),
        ({"a.py": "@register('a', **{'size': {}})\nclass A: pass\n"}, "literals"),
        ({"a.py": "class A\n"}, "line 1"),
        ({"a.py": "@register()\nclass A: pass\n"}, "literals"),
        ({"a.py": "@register('a')\nclass A: pass\n", "b.py": "@register('a')\nclass B: pass\n"}, "registered in"),
    ],
)
def test_faulty_registration_is_refused(sources, reason, tmp_path, monkeypatch):
    for name, text in sources.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    with pytest.raises(ConfigError, match=reason) as caught:
        registry.catalogue.__wrapped__()
    assert list(sources)[-1] in str(caught.value)
