"""The use of attention: gates, shares, and the accuracy without it."""

import dataclasses

import pytest
import torch
from run_specs import CBAM, NORMALIZATION, SELFATT, run_spec
from subjects import accuracy, logits, shares, subject, untrained
from test_dataset import separable, write_prepared
from torch import nn

from cnntention.data import dataset
from cnntention.data.batches import Normalizer
from cnntention.data.dataset import Part
from cnntention.evaluation.metrics import attention
from cnntention.network import attention_use, predict

torch.set_num_threads(1)

NORMALIZE = Normalizer(NORMALIZATION, 1, "cpu")


@pytest.fixture(scope="module")
def part(tmp_path_factory) -> Part:
    return dataset.load(*write_prepared(tmp_path_factory.mktemp("separable"), separable(test=40))).parts["test"]


def use_of(model: nn.Module, part: Part) -> dict | None:
    return attention.use(subject(model, part, NORMALIZE))["attention"]


def shares_of(model: nn.Module, part: Part) -> list[float | None]:
    with attention_use.shares(model) as found:
        predict.logits(model, part, NORMALIZE)
    return found


def test_baseline_uses_no_attention(part):
    assert use_of(untrained(run_spec()), part) is None


def test_gates_are_reported_and_bypassing_gives_the_trunk_alone(part):
    """Trunks of one seed are equal: with attention bypassed, the accuracy is that of the untrained baseline."""
    baseline, model = untrained(run_spec()), untrained(run_spec(attention=SELFATT), -50.0, 20.0, -3.0)
    assert accuracy(model, part) != accuracy(baseline, part)
    use = use_of(model, part)
    assert use["gates"] == [-50.0, 20.0, -3.0]
    assert use["accuracy_bypassed"] == pytest.approx(accuracy(baseline, part))


def test_with_zero_gates_nothing_is_lost_by_bypassing(part):
    model = untrained(run_spec(attention=SELFATT))
    use = use_of(model, part)
    assert use["gates"] == [0.0, 0.0, 0.0]
    assert use["accuracy_bypassed"] == pytest.approx(accuracy(model, part))


def test_attention_without_gates_is_reported_as_such(part):
    assert use_of(untrained(run_spec(attention=CBAM)), part)["gates"] == [None, None, None]


@pytest.mark.parametrize(
    ("kind", "gates"), [(SELFATT, (-0.5, 2.0, 0.0)), (SELFATT, (1.0, 1.0, 1.0)), (CBAM, ())], ids=str
)
@pytest.mark.parametrize("batch_size", [16, 128])
def test_the_share_of_attention_is_what_it_adds_by_what_is_there(part, monkeypatch, kind, gates, batch_size):
    """Over all images, in however many batches they come: 40 of them, which differ."""
    model = untrained(run_spec(attention=kind), *gates)
    last = Part(part.images[32:], part.labels[32:])
    assert shares(model, part) != pytest.approx(shares(model, last), rel=1e-3)
    monkeypatch.setitem(predict.BATCH_SIZES, "cpu", batch_size)
    assert shares_of(model, part) == pytest.approx(shares(model, part), rel=1e-4, abs=1e-6)


def test_a_batch_that_runs_out_of_memory_midway_counts_once(part, monkeypatch):
    model = untrained(run_spec(attention=SELFATT), 0.5, 1.0, -1.0)
    monkeypatch.setitem(predict.BATCH_SIZES, "cpu", 16)
    calls = iter(range(9))

    def too_large_once(*_):
        if next(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    model.fc.register_forward_pre_hook(too_large_once)  # behind all attention blocks
    found = shares_of(model, part)
    assert next(calls) == 5, "16 images, 16 in vain, three times 8"
    assert found == pytest.approx(shares(model, part), rel=1e-4)


def test_attention_in_residual_blocks_is_summed_up_by_stage(part):
    """The gates of a stage are averaged, and its share is what all its blocks add by all that is there before them."""
    kind = dataclasses.replace(SELFATT, placement="block", stages=(1, 3))
    baseline, model = (untrained(run_spec(attention=each, depth=14)) for each in (None, kind))
    sizes = {1: [], 3: []}
    for stage, gates in ((1, (1.0, 3.0)), (3, (-0.5, -1.5))):
        for connection, gate in zip(model.connections()[stage - 1], gates, strict=True):
            torch.nn.init.constant_(connection.gate, gate)

            def add(connection, inputs, output, stage=stage):
                sizes[stage].append(((output - inputs[0]).abs().sum().item(), inputs[0].abs().sum().item()))

            connection.register_forward_hook(add)
    logits(model, part)
    expected = {stage: sum(a for a, _ in of) / sum(b for _, b in of) for stage, of in sizes.items()}
    use = use_of(model, part)
    assert use["gates"] == [2.0, None, -1.0]
    assert use["shares"] == [pytest.approx(expected[1], rel=1e-4), None, pytest.approx(expected[3], rel=1e-4)]
    assert use["accuracy_bypassed"] == pytest.approx(accuracy(baseline, part))


@pytest.mark.parametrize("kind", [None, dataclasses.replace(SELFATT, residual="none")], ids=str)
def test_without_a_residual_connection_or_attention_there_is_no_share(part, kind):
    model = untrained(run_spec(attention=kind))
    assert shares_of(model, part) == [None, None, None]


def test_a_model_that_has_not_answered_has_no_share():
    with attention_use.shares(untrained(run_spec(attention=SELFATT))) as found:
        pass
    assert found == [None, None, None]


def test_model_has_its_attention_back_afterwards(part, monkeypatch):
    model = untrained(run_spec(attention=SELFATT), 1.0, 1.0, 1.0)
    before, given = logits(model, part), subject(model, part, NORMALIZE)
    attention.use(given)
    assert torch.equal(logits(model, part), before)

    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(predict, "logits", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        attention.use(given)
    assert torch.equal(logits(model, part), before)
    assert not any(module._forward_hooks for module in model.modules())
