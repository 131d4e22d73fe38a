"""What the instruments that judge maps share, against scipy's own."""

import numpy as np
import pytest
import torch
from instrument_subjects import subject
from run_specs import CBAM
from scipy.stats import spearmanr

from cnntention.evaluation import gradcam
from cnntention.instruments import maps as cam


def test_the_correlation_of_maps_is_that_of_scipy():
    random = np.random.default_rng(0)
    one, other = random.random((2, 5, 6, 7)).astype(np.float32)
    other[1:] = one[1:] + other[1:]
    one[2] = np.maximum(one[2] - 0.5, 0)  # half of it tied
    found = cam.correlation(cam.standard_ranks(one), cam.standard_ranks(other))
    expected = [spearmanr(a, b, axis=None).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_map_without_an_order_agrees_with_none():
    maps = np.stack([np.zeros((4, 4)), np.full((4, 4), 0.3), np.arange(16.0).reshape(4, 4)])
    ranks = cam.standard_ranks(maps)
    assert cam.correlation(ranks, ranks[[2, 2, 2]]) == pytest.approx([0, 0, 1])
    assert cam.empty(maps).tolist() == [True, False, False]


def test_maps_are_those_of_the_grids():
    what = subject(CBAM)
    images = what.normalize(what.part.images)
    expected, _ = gradcam.maps(what.model, what.model.attention[2], images, what.part.labels)
    np.testing.assert_array_equal(cam.of(what, what.part.labels), expected)
    assert cam.resolution(what) == (2, 2)
    assert not torch.is_inference_mode_enabled()
