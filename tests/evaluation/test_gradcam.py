"""Grad-CAM against its closed form behind global average pooling, and the grid that shows it."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_hex
from PIL import Image
from run_specs import CBAM, SELFATT, run_spec
from test_dataset import separable, write_prepared
from torch import Tensor, nn

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError, DataError, DeviceError
from cnntention.base.layout import DataFiles
from cnntention.data import dataset
from cnntention.data.specs import Normalization
from cnntention.evaluation import gradcam
from cnntention.network.specs import Attention
from cnntention.reporting import draw_grid as module
from cnntention.reporting.draw_grid import RIGHT, WRONG, Column, compose, draw_grid
from cnntention.reporting.grid import GridSpec, caption
from cnntention.training import checkpoint
from cnntention.training.specs import RunSpec

torch.set_num_threads(1)


class Pooled(nn.Module):
    """Convolution, global average pooling, linear layer: for class c, channel k weighs ``fc.weight[c, k] / (h w)``."""

    def __init__(self, stride: int = 1, in_channels: int = 3):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 5, 3, stride=stride, padding=1)
        self.fc = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean((2, 3)))


def stretched(map_: Tensor) -> Tensor:
    return (map_ - map_.min()) / (map_.max() - map_.min())


# ---- maps


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("classes", [None, [3, 0, 1, 2, 3, 0]])
def test_maps_equal_the_closed_form(classes, in_channels, stride, monkeypatch):
    """ReLU(sum_k w_k A_k) for the predicted class or that asked for, stretched to 0..1, and bilinearly to the image's
    size, whatever fits into a batch."""
    monkeypatch.setattr(gradcam, "AT_ONCE", 4)
    torch.manual_seed(0)
    model = Pooled(stride, in_channels).eval()
    nn.init.zeros_(model.fc.bias)
    images = torch.randn(6, in_channels, 8, 12) + torch.tensor([-1.0, 1.0] * 3)[:, None, None, None]
    maps, probabilities = gradcam.maps(model, model.conv, images, classes and torch.tensor(classes))
    assert maps.shape == (6, 8, 12)
    with torch.no_grad():
        features, scores = model.conv(images), model(images)
    assert len(set(scores.argmax(1).tolist())) > 1
    for i, of in enumerate(classes or scores.argmax(1)):
        weights = model.fc.weight[of].detach() / features[i, 0].numel()
        expected = stretched((weights[:, None, None] * features[i]).sum(0).clamp(min=0))
        if stride > 1:
            larger = F.interpolate(expected[None, None], (8, 12), mode="bilinear", align_corners=False)
            expected = stretched(larger[0, 0])
        torch.testing.assert_close(torch.from_numpy(maps[i]), expected.nan_to_num(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(probabilities, scores.softmax(1).numpy(), atol=1e-6)


def test_map_of_an_image_does_not_depend_on_the_others():
    torch.manual_seed(0)
    model, images = Pooled().eval(), torch.randn(4, 3, 8, 8)
    together, _ = gradcam.maps(model, model.conv, images)
    alone = np.concatenate([gradcam.maps(model, model.conv, image[None])[0] for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("features", [-1.0, 0.0])
def test_map_is_all_zero_where_no_channel_speaks_for_the_class(features):
    """Negative evidence alone, or none: zeros, and no NaN from stretching them."""
    model = Pooled().eval()
    with torch.no_grad():
        model.conv.weight.zero_()
        model.conv.bias.fill_(features)
        model.fc.weight.fill_(1.0)
        model.fc.bias.copy_(torch.tensor([0.0, 5.0, 0.0, 0.0]))
    maps, probabilities = gradcam.maps(model, model.conv, torch.randn(2, 3, 8, 8))
    assert (maps == 0).all()
    assert probabilities.argmax(1).tolist() == [1, 1]


def test_network_that_yields_nan_gives_a_drawable_map():
    model = Pooled().eval()
    nn.init.constant_(model.conv.weight, float("nan"))
    assert np.isfinite(gradcam.maps(model, model.conv, torch.randn(2, 3, 8, 8))[0]).all()


@pytest.mark.parametrize("attention", [None, SELFATT, CBAM])
def test_maps_of_the_network_lie_between_zero_and_one(attention):
    torch.manual_seed(0)
    model = checkpoint.build(run_spec(attention=attention), 3, 4).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.randn(5, 3, 16, 16)
    maps, probabilities = gradcam.maps(model, gradcam.target_layer(model), images)
    assert maps.shape == (5, 16, 16)
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert maps.max() > 0.99
    with torch.no_grad():
        np.testing.assert_allclose(probabilities, model(images).softmax(1).numpy(), atol=1e-5)
    assert not model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_layer_is_the_last_block_or_the_third_attention_with_its_residual():
    baseline = checkpoint.build(run_spec(depth=20), 3, 4)
    assert gradcam.target_layer(baseline) is baseline.stages[2][2]
    for attention in (SELFATT, CBAM, dataclasses.replace(SELFATT, residual="none")):
        model = checkpoint.build(run_spec(attention=attention), 3, 4)
        assert gradcam.target_layer(model) is model.attention[2]


# ---- grid


def grid_spec(images: list[int], models: list[str], channels: int = 1) -> GridSpec:
    attention = {"baseline": None, "cbam": CBAM}
    digests = {name: specs.digest(spec_of(attention.get(name), channels)) for name in models}
    content = {
        "dataset": {"name": "separable", "label": "Separable"},
        "split": "full",
        "models": [{"name": name, "label": name.upper()} for name in models],
        "seed": 10,
        "images": images,
        "style": {"cell": 1.0, "dpi": 50},
        "runs": {f"separable/{name}/full/seed10": digest for name, digest in digests.items()},
    }
    return specs.read(GridSpec, content)


def texts(figure) -> list[list[str]]:
    """Text below each picture, row by row."""
    axes = [ax for ax in figure.axes if ax.images]
    columns = sum(bool(ax.get_title()) for ax in axes)
    names = [ax.get_xlabel() for ax in axes]
    return [names[i : i + columns] for i in range(0, len(names), columns)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("models", [1, 3])
def test_grid_has_a_row_for_each_image_and_marks_right_and_wrong(channels, models):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, 8, 8, channels), dtype=np.uint8)
    maps = random.random((models, 2, 8, 8))
    columns = [Column(f"M{k}", maps[k], [0, 2]) for k in range(models)]
    spec = grid_spec([7, 497], [f"m{k}" for k in range(models)])
    figure = compose(spec, images, [0, 1], ["ant", "bee", "cow"], columns)
    assert len(figure.axes) == 2 * (1 + models) + 1, "pictures and the colour bar"
    assert texts(figure) == [["ant · index 7", *["✓ ant"] * models], ["bee · index 497", *["✗ cow"] * models]]
    assert [ax.get_title() for ax in figure.axes[: 1 + models]] == ["Original", *(f"M{k}" for k in range(models))]
    assert "Separable" in figure.get_suptitle()
    for row, color in ((0, RIGHT), (1, WRONG)):
        for k in range(models):
            ax = figure.axes[row * (1 + models) + 1 + k]
            assert {to_hex(spine.get_edgecolor()) for spine in ax.spines.values()} == {color}
            np.testing.assert_array_equal(ax.images[-1].get_array(), maps[k, row])
            assert ax.images[-1].get_clim() == (0, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_original_is_drawn_as_it_is(channels):
    images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, channels), dtype=np.uint8)
    figure = compose(grid_spec([0], ["a"]), images, [0], ["ant"], [Column("A", np.zeros((1, 8, 8)), [0])])
    shown = figure.axes[0].images[0]
    np.testing.assert_array_equal(np.asarray(shown.get_array()), images[0] if channels == 3 else images[0, :, :, 0])
    if channels == 1:
        assert shown.get_clim() == (0, 255)


# ---- from files to files


@pytest.fixture(scope="module", params=[1, 3])
def channels(request) -> int:
    return request.param


@pytest.fixture(scope="module")
def paths(channels, tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable(channels=channels))


def spec_of(attention: Attention | None, channels: int) -> RunSpec:
    return run_spec(attention=attention, normalization=Normalization((0.3,) * channels, (0.25,) * channels))


@pytest.fixture
def model_paths(channels, paths, tmp_path) -> list[str]:
    """Checkpoints of an untrained baseline and an untrained CBAM."""
    digest, files = dataset.load(*paths).sha256, []
    for name, attention in (("baseline", None), ("cbam", CBAM)):
        torch.manual_seed(2)
        spec = spec_of(attention, channels)
        path = tmp_path / f"{name}.pt"
        checkpoint.save(path, checkpoint.build(spec, channels, 3), spec, ["0", "1", "2"], digest, {})
        files.append(str(path))
    return files


def test_run_draws_test_images_and_reports_predictions(channels, paths, model_paths, tmp_path):
    spec = grid_spec([29, 0, 3, 11], ["baseline", "cbam"], channels)
    report = draw_grid(spec, model_paths, DataFiles(*paths), tmp_path / "grid", Machine("cpu"))
    assert json.loads((tmp_path / "grid.json").read_text(encoding="utf-8")) == report
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.width > 100
        assert picture.height > picture.width / 2

    test = dataset.load(*paths).parts["test"]
    labels = [int(test.labels[index]) for index in list(spec.images)]
    assert report["images"] == [
        {"index": index, "label": str(label)} for index, label in zip(list(spec.images), labels, strict=True)
    ]
    assert list(report["models"]) == ["baseline", "cbam"]
    for path, answers in zip(model_paths, report["models"].values(), strict=True):
        model = checkpoint.load(path).model
        with torch.no_grad():
            images = (test.images[list(spec.images)].permute(0, 3, 1, 2) / 255 - 0.3) / 0.25
            probabilities = model(images).softmax(1)
        for answer, row, label in zip(answers, probabilities, labels, strict=True):
            assert answer["prediction"] == str(int(row.argmax()))
            assert answer["probability"] == pytest.approx(row.max().item(), abs=2e-4)
            assert answer["right"] == (int(row.argmax()) == label)


def explained(model: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """ReLU(sum_k w_k A_k) for the predicted class, with w_k the mean gradient in channel k; ``[B, H, W]`` in 0..1."""
    outputs: list[Tensor] = []
    with layer.register_forward_hook(lambda _, inputs, output: outputs.append(output)):
        scores = model(images)
    (gradient,) = torch.autograd.grad(scores.max(1).values.sum(), outputs[0])
    raw = (gradient.mean((2, 3), keepdim=True) * outputs[0]).sum(1).clamp(min=0).detach()
    small = torch.stack([stretched(map_) if map_.any() else map_ for map_ in raw])
    large = F.interpolate(small[:, None], images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return torch.stack([stretched(map_) if map_.any() else map_ for map_ in large])


def test_the_grid_shows_what_speaks_for_the_prediction_in_the_last_stage(
    channels, paths, model_paths, tmp_path, monkeypatch
):
    """Image by image, in the order of the spec; the second model's classes have channels against them alone."""
    spec = grid_spec([29, 0, 3, 11], ["baseline", "cbam"], channels)
    trained = checkpoint.load(model_paths[1])
    nn.init.constant_(trained.model.fc.weight, -0.1)
    names = trained.class_names
    checkpoint.save(model_paths[1], trained.model, trained.spec, names, trained.data_sha256, {})
    shown: list[Column] = []
    monkeypatch.setattr(module, "compose", lambda *given: shown.extend(given[-1]) or compose(*given))
    report = draw_grid(spec, model_paths, DataFiles(*paths), tmp_path / "grid", Machine("cpu"))

    part = dataset.load(*paths).parts["test"]
    images = (part.images[list(spec.images)].permute(0, 3, 1, 2) / 255 - 0.3) / 0.25
    baseline, cbam = (checkpoint.load(path).model for path in model_paths)
    expected = [
        explained(baseline, baseline.stages[2][-1], images),
        explained(cbam, cbam.attention[2], images),
    ]
    assert [column.label for column in shown] == ["BASELINE", "CBAM"]
    for column, maps in zip(shown, expected, strict=True):
        np.testing.assert_allclose(column.maps, maps.numpy(), atol=2e-3)
    for name, maps in zip(["baseline", "cbam"], expected, strict=True):
        assert [answer["map_is_zero"] for answer in report["models"][name]] == [not map_.any() for map_ in maps]

    # What makes these assertions mean something: maps that differ, labels that are not predicted, maps of both kinds.
    assert all((one - other).abs().max() > 0.05 for one, other in itertools.pairwise(expected[0]))
    assert not all(answer["right"] for answer in report["models"]["baseline"])
    assert expected[0].any()
    assert not expected[1].any()


def test_a_grid_of_labels_explains_one_class_an_image_for_all_models(
    channels, paths, model_paths, tmp_path, monkeypatch
):
    spec = dataclasses.replace(grid_spec([29, 0, 3, 11], ["baseline", "cbam"], channels), target="label")
    given = []
    maps = gradcam.maps
    monkeypatch.setattr(gradcam, "maps", lambda *of: given.append(of[-1].tolist()) or maps(*of))
    report = draw_grid(spec, model_paths, DataFiles(*paths), tmp_path / "grid", Machine("cpu"))
    assert given == [[int(image["label"]) for image in report["images"]]] * 2
    assert "the image's label" in caption(spec)
    figure = compose(
        spec, np.zeros((4, 8, 8, 1), np.uint8), [0] * 4, ["ant"], [Column("A", np.zeros((4, 8, 8)), [0] * 4)]
    )
    assert figure.axes[-1].get_ylabel() == "relevance to the label"


def test_drawing_twice_gives_the_same_bytes(channels, paths, model_paths, tmp_path):
    for name in ("first", "second"):
        draw_grid(
            grid_spec([1, 2], ["baseline", "cbam"], channels),
            model_paths,
            DataFiles(*paths),
            tmp_path / name,
            Machine("cpu"),
        )
    for suffix in (".png", ".json"):
        assert (tmp_path / f"first{suffix}").read_bytes() == (tmp_path / f"second{suffix}").read_bytes()


def test_index_beyond_the_test_set_is_refused(channels, paths, model_paths, tmp_path):
    with pytest.raises(DataError, match=r"gradcam\.separable\.images: 30 lies beyond the 30"):
        draw_grid(
            grid_spec([0, 30], ["baseline", "cbam"], channels),
            model_paths,
            DataFiles(*paths),
            tmp_path / "grid",
            Machine("cpu"),
        )
    assert not (tmp_path / "grid.png").exists()


def test_missing_checkpoint_is_refused(channels, paths, tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.pt"):
        draw_grid(
            grid_spec([0], ["baseline"], channels),
            [str(tmp_path / "nowhere.pt")],
            DataFiles(*paths),
            tmp_path / "grid",
            Machine("cpu"),
        )


def test_checkpoint_of_other_data_is_refused(channels, paths, model_paths, tmp_path):
    """As an evaluation refuses it: the map would explain an answer to data that the model was not made for."""
    other = write_prepared(tmp_path / "other", separable(seed=1, channels=channels))
    with pytest.raises(CheckpointError, match="data that differ"):
        draw_grid(
            grid_spec([0], ["baseline", "cbam"], channels),
            model_paths,
            DataFiles(*other),
            tmp_path / "grid",
            Machine("cpu"),
        )


def test_a_model_of_another_config_is_refused(channels, paths, model_paths, tmp_path):
    """The column would bear the name of a model that this config trains otherwise."""
    spec = grid_spec([0], ["baseline", "cbam"], channels)
    other = dataclasses.replace(spec, runs=spec.runs | {"separable/cbam/full/seed10": "another"})
    outputs = tmp_path / "grid.png", tmp_path / "grid.json"
    with pytest.raises(CheckpointError, match=r"cbam\.pt: trained by another config"):
        draw_grid(other, model_paths, DataFiles(*paths), tmp_path / "grid", Machine("cpu"))
    assert not any(output.exists() for output in outputs)


@pytest.mark.parametrize("place", ["load", "maps"])
def test_too_little_memory_is_named_and_leaves_no_file(channels, paths, model_paths, tmp_path, monkeypatch, place):
    def too_large(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr({"load": dataset, "maps": gradcam}[place], place, too_large)
    outputs = tmp_path / "grid.png", tmp_path / "grid.json"
    with pytest.raises(DeviceError) as caught:
        draw_grid(
            grid_spec([0], ["baseline", "cbam"], channels),
            model_paths,
            DataFiles(*paths),
            tmp_path / "grid",
            Machine("cpu"),
        )
    assert str(caught.value) == f"{outputs[0]}: out of memory; run fewer at once"
    assert not outputs[0].exists()
    assert not outputs[1].exists()
