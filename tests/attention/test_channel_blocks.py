"""SE and ECA against loops, and ours against timm's on equal weights."""

import math

import pytest
import torch
from test_attention import block, feature_map

from cnntention.attention.eca import kernel_size


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize(("channels", "reduction", "hidden"), [(8, 2, 4), (16, 32, 1)])
def test_se_equals_a_loop(channels, reduction, hidden):
    se, x = block("se", channels, reduction=reduction).requires_grad_(False), feature_map(2, channels, 3, 4)
    first, second = se.mlp[0], se.mlp[2]
    assert first.out_features == hidden
    expected = x.clone()
    for image in expected:
        means = [float(sum(value for row in plane for value in row)) / 12 for plane in image]
        units = [max(0.0, sum(float(w) * m for w, m in zip(row, means, strict=True)) + float(b))
                 for row, b in zip(first.weight, first.bias, strict=True)]  # fmt: skip
        for c in range(channels):
            score = sum(float(w) * u for w, u in zip(second.weight[c], units, strict=True)) + float(second.bias[c])
            image[c] *= sigmoid(score)
    torch.testing.assert_close(se(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("channels", "size"), [(16, 3), (32, 3), (64, 3), (128, 5), (512, 5), (1, 1)])
def test_eca_equals_a_loop(channels, size):
    assert kernel_size(channels) == size
    eca, x = block("eca", channels), feature_map(2, channels, 3, 4)
    weights = eca.conv.weight[0, 0].tolist()
    means = x.mean((2, 3)).tolist()
    expected = x.clone()
    for b in range(2):
        for c in range(channels):
            near = [(weights[i], c + i - size // 2) for i in range(size)]
            expected[b, c] *= sigmoid(sum(w * means[b][at] for w, at in near if 0 <= at < channels))
    with torch.no_grad():
        torch.testing.assert_close(eca(x), expected, rtol=1e-10, atol=1e-12)
    assert sum(p.numel() for p in eca.parameters()) == size


def test_ours_equal_timms_on_equal_weights():
    pytest.importorskip("timm", reason="timm is not installed: pip install '.[timm]'")
    x = feature_map(2, 16, 9, 8)
    cbam, timms = block("cbam", 16, reduction=16), block("timm/cbam", 16).block.eval()
    with torch.no_grad():
        for ours, theirs in ((cbam.channel.mlp[0], timms.channel.fc1), (cbam.channel.mlp[2], timms.channel.fc2)):
            ours.weight.copy_(theirs.weight[:, :, 0, 0])
        # its maps come the other way round, mean first; and its bias is that of a batch norm, which is new here
        cbam.spatial.conv.weight.copy_(timms.spatial.conv.conv.weight.flip(1))
        timms.spatial.conv.bn.bias.copy_(cbam.spatial.conv.bias)
        timms.spatial.conv.bn.eps = 0.0
        torch.testing.assert_close(cbam(x), timms(x), rtol=1e-10, atol=1e-12)
        se, timms = block("se", 16, reduction=2), block("timm/se", 16).block
        for ours, theirs in ((se.mlp[0], timms.fc1), (se.mlp[2], timms.fc2)):
            ours.weight.copy_(theirs.weight[:, :, 0, 0])
            ours.bias.copy_(theirs.bias)
        torch.testing.assert_close(se(x), timms(x), rtol=1e-10, atol=1e-12)
        eca, timms = block("eca", 16), block("timm/eca", 16).block
        eca.conv.weight.copy_(timms.conv.weight)
        torch.testing.assert_close(eca(x), timms(x), rtol=1e-10, atol=1e-12)
