"""Accuracy, loss and confusion against loops."""

import math

import pytest
import torch
import torch.nn.functional as F
from run_specs import run_spec
from subjects import untrained
from torch import Tensor

from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part
from cnntention.evaluation.metrics import Subject, answers


def metrics(scores: Tensor, labels: Tensor, names: list[str]) -> dict:
    """Of logits alone; the model and the images are of no account."""
    part = Part(torch.zeros(len(labels), 8, 8, 1, dtype=torch.uint8), labels)
    model, normalize = untrained(run_spec()), Normalizer(None, 1, "cpu")
    subject = Subject(model, part, normalize, scores, labels, [], names, (8, 8, 1))
    return answers.accuracy(subject) | answers.accuracy_per_class(subject) | answers.confusion(subject)


def test_metrics_equal_loop():
    generator = torch.Generator().manual_seed(0)
    scores = 3 * torch.randn(200, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (200,), generator=generator)  # no image of the fourth class
    names = ["ant", "bee", "cow", "dog"]
    result = metrics(scores, labels, names)

    confusion = [[0] * 4 for _ in names]
    loss = 0.0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        confusion[label][row.index(max(row))] += 1
        loss += math.log(sum(math.exp(score) for score in row)) - row[label]
    right = sum(confusion[i][i] for i in range(4))
    assert result["n"] == 200
    assert result["confusion"] == confusion
    assert result["accuracy"] == pytest.approx(100 * right / 200)
    assert result["error"] == pytest.approx(100 * (200 - right) / 200)
    assert result["loss"] == pytest.approx(loss / 200)
    assert result["accuracy_per_class"]["dog"] is None
    for index, name in enumerate(names[:3]):
        assert result["accuracy_per_class"][name] == pytest.approx(
            100 * confusion[index][index] / sum(confusion[index])
        )
    assert sum(confusion[0]) != sum(row[0] for row in confusion), "rows and columns differ, so a transpose shows"


def test_metrics_of_perfect_and_of_hopeless_answers():
    labels = torch.tensor([0, 1, 1])
    perfect = metrics(50 * F.one_hot(labels, 2).double(), labels, ["a", "b"])
    assert (perfect["accuracy"], perfect["error"], perfect["confusion"]) == (100, 0, [[1, 0], [0, 2]])
    assert perfect["loss"] < 1e-20
    hopeless = metrics(50 * F.one_hot(1 - labels, 2).double(), labels, ["a", "b"])
    assert (hopeless["accuracy"], hopeless["confusion"]) == (0, [[0, 1], [2, 0]])
    assert hopeless["accuracy_per_class"] == {"a": 0, "b": 0}
    assert hopeless["loss"] == pytest.approx(50)
