"""Figures of networks: what stands in their boxes, and what cannot be drawn."""

import pytest

from cnntention.base.errors import ConfigError
from cnntention.reporting.figures.architecture import KIND
from cnntention.study.study import Study

FIGURE = {"kind": "architecture", "title": "Networks", "dataset": "digits", "models": ["baseline", "selfatt"],
          "show": "networks"}  # fmt: skip
DIGITS = {"label": "Digits", "source": "digits", "image_size": 16, "validation_images": 0, "augmentation": {}}


def drawn(config, **changes):
    config["datasets"]["digits"] = DIGITS
    study = Study(config | {"figures": {"net": FIGURE | changes}})
    assert study.figures.runs("net") == []
    spec = study.figures.spec("net")
    return KIND.draw(spec, KIND.read("nowhere", spec))


def boxes(ax) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_a_network_is_a_row_of_its_parts(config):
    baseline, selfatt = drawn(config).axes
    assert baseline.get_title(loc="left") == "Baseline: 269,434 parameters, 10.1 M multiply-adds"
    assert boxes(baseline)[:3] == [
        "input\n1 × 16 × 16",
        "3×3 convolution\n16 × 16 × 16\n176 parameters",
        "stage 1\n3 blocks\n16 × 16 × 16\n14,016 parameters",
    ]
    assert boxes(selfatt)[3] == "attention\n16 × 16 × 16\n817 parameters"


def test_a_block_is_a_column_of_its_operations(config):
    (ax,) = drawn(config, show="blocks", models=["selfatt"]).axes
    assert ax.get_title() == "SelfAtt, stage 1: 817 parameters"
    assert "softmax(Q Kᵀ) V\n1 × 256 × 16" in boxes(ax)
    heights = [text.xy[1] for text in ax.texts if text.get_text()]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"show": "blocks"}, "figures.net.models: 'baseline' has no attention"),
        ({"style": {"y_max": 3}}, "figures.net.style.y_max: a figure of networks has no y axis"),
        ({"dataset": "nowhere"}, "figures.net.dataset"),
    ],
)
def test_what_cannot_be_drawn_is_said(config, changes, message):
    with pytest.raises(ConfigError, match=message):
        drawn(config, **changes)


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ({"source": "npz", "path": "nowhere.npz"}, "datasets.digits.path: nowhere.npz"),
        ({"source": "npz"}, "datasets.digits.path: missing"),
    ],
)
def test_images_that_are_not_there_are_said_once_by_their_own_key(config, own, line):
    config["datasets"]["digits"] = DIGITS | own
    with pytest.raises(ConfigError) as caught:
        Study(config | {"figures": {"net": FIGURE}})
    (only,) = [said for said in str(caught.value).splitlines() if "digits" in said or "figures" in said]
    assert only.strip().startswith(line)


def test_the_code_of_its_blocks_is_its_own(config):
    study = Study(config | {"figures": {"net": FIGURE | {"dataset": "cifar10"}}})
    assert study.figures.models("net") == ["baseline", "selfatt"]
