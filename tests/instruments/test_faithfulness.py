"""Maps that are perfect by construction and maps that are random, on a network of which it is known where it looks."""

import dataclasses

import numpy as np
import pytest
import torch
from instrument_subjects import SIZE, subject
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.metrics.road import ROADCombined
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from torch import Tensor, nn

from cnntention.data.dataset import Part
from cnntention.instruments import faithfulness
from cnntention.instruments.contract import Subject

CORNER = np.zeros((SIZE, SIZE), dtype=bool)
CORNER[:4, :4] = True


class Corner(nn.Module):
    """Sees the mean of the first quarter of the image alone: logits of that for one class, nothing for the other."""

    def forward(self, x: Tensor) -> Tensor:
        seen = 8 * x[:, 0, torch.from_numpy(CORNER)].mean(1)
        return torch.stack([seen, torch.zeros_like(seen)], dim=1)


def looking_at_the_corner(images: int) -> Subject:
    """Images that are bright in the corner and dark elsewhere."""
    what = subject(None, images=images)
    shown = torch.zeros(images, SIZE, SIZE, 1, dtype=torch.uint8)
    shown[:, torch.from_numpy(CORNER)] = 255
    part = Part(shown, torch.zeros(images, dtype=torch.int64))
    return dataclasses.replace(what, model=Corner().eval(), part=part)  # type: ignore[arg-type]


def judged(what: Subject, maps: np.ndarray, steps: int = 4) -> faithfulness.Scores:
    classes = torch.zeros(len(maps), dtype=torch.int64)
    return faithfulness.judged(what, maps.astype(np.float32), classes, steps, np.random.default_rng(0))


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))


def test_a_perfect_map_has_the_curves_of_the_closed_form():
    """A quarter of the image holds all evidence: with it the answer is there, without it that of the mean colour."""
    found = judged(looking_at_the_corner(3), np.repeat(CORNER[None], 3, axis=0))
    blank, whole = sigmoid(8 * 0.25), sigmoid(8.0)
    np.testing.assert_allclose(found.insertion, [[blank, whole, whole, whole, whole]] * 3, atol=1e-5)
    np.testing.assert_allclose(found.deletion, [[whole, blank, blank, blank, blank]] * 3, atol=1e-5)
    assert found.values["insertion"] == pytest.approx(100 * (whole - (whole - blank) / 8), abs=1e-3)
    assert found.values["deletion"] == pytest.approx(100 * (blank + (whole - blank) / 8), abs=1e-3)
    assert found.values["drop"] == pytest.approx(0, abs=1e-4)


def test_a_perfect_map_is_better_than_a_random_one_and_that_better_than_the_contrary():
    what = looking_at_the_corner(20)
    random = np.random.default_rng(1).random((20, SIZE, SIZE))
    perfect = np.repeat(CORNER[None], 20, axis=0) + random / 10
    best, null, worst = (judged(what, maps).values for maps in (perfect, random, 1 - perfect))
    for measure, sign in (("ROAD", 1), ("insertion", 1), ("deletion", -1), ("drop", -1)):
        assert sign * best[measure].mean() > sign * null[measure].mean() > sign * worst[measure].mean(), measure
    assert abs(null["ROAD"].mean()) < best["ROAD"].mean() / 10


def test_one_image_has_the_scores_of_grad_cams_own_metrics():
    what = subject(None, images=1)
    maps = np.random.default_rng(0).permutation(SIZE * SIZE).reshape(1, SIZE, SIZE).astype(np.float32)
    maps /= SIZE * SIZE - 1
    classes = what.logits().argmax(1)
    found = faithfulness.judged(what, maps, classes, 2, np.random.default_rng(0)).values
    given = what.normalize(what.part.images), maps, [ClassifierOutputSoftmaxTarget(int(classes[0]))], what.model
    torch.manual_seed(faithfulness.SEED)
    assert found["ROAD"] == pytest.approx(100 * ROADCombined([20, 40, 60, 80])(*given), abs=1e-4)
    assert found["drop"] == pytest.approx(100 * DropInConfidence()(*given), abs=1e-4)
    assert found["increase"] == pytest.approx(100 * IncreaseInConfidence()(*given))
    assert found["ROAD"] != 0


def test_the_answer_to_the_whole_images_is_computed_once():
    what, asked = looking_at_the_corner(images=3), []
    what.model.register_forward_hook(lambda model, inputs, output: asked.append(inputs[0]))
    images = what.normalize(what.part.images)
    model = faithfulness.remembering(what.model, images)
    assert torch.equal(model(images), model(images))
    assert torch.equal(model(images.clone()), model(images))
    assert len(asked) == 2


def test_nulls_have_the_values_of_the_map_at_places_of_their_own():
    what = subject(None, images=4)
    what.part.images.zero_()
    what.part.images[:, 2:5, 2:5] = 200  # its edges: the square's outline
    random = np.random.default_rng(0)
    maps = np.maximum(random.random((4, SIZE, SIZE)) - 0.6, 0)
    for name, scores in faithfulness.nulls(what, random).items():
        null = faithfulness.like(maps, scores, random)
        np.testing.assert_array_equal(np.sort(null.reshape(4, -1)), np.sort(maps.reshape(4, -1)))
        highest = np.array([np.unravel_index(each.argmax(), each.shape) for each in null])
        if name == "centre":
            assert np.isin(highest, [3, 4]).all()
        elif name == "edges":
            assert ((highest >= 1) & (highest <= 5)).all()
            assert (null[:, 3, 3] == 0).all()
        else:
            assert len(set(map(tuple, highest))) > 1


def test_pixels_of_one_value_come_in_random_order():
    tied = faithfulness.order(np.zeros((50, 4, 4)), np.random.default_rng(0))
    assert (np.sort(tied.reshape(50, -1)) == np.arange(16)).all()
    assert tied[:, 0, 0].mean() == pytest.approx(7.5, abs=2)
    np.testing.assert_array_equal(
        faithfulness.order(np.array([[[3.0, 1.0, 2.0]]]), np.random.default_rng(0)), [[[2, 0, 1]]]
    )


def test_each_null_has_its_difference_on_the_same_images():
    found = {(each.of["map"], each.name): each for each in faithfulness.measure(subject(None), steps=2).numbers}
    assert len(found) == 7 * 5
    for null in faithfulness.NULLS:
        lead = found[f"Grad-CAM − {null}", "deletion"]
        assert lead.value == pytest.approx(found["Grad-CAM", "deletion"].value - found[null, "deletion"].value)
        assert lead.spread is not None
