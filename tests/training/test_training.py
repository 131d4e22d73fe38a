"""Optimisers, schedule and early stopping against closed forms; the loop on small separable images."""

import csv
import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from run_specs import CBAM, NORMALIZATION, SELFATT, recipe, run, run_spec, trained
from test_dataset import separable, write_prepared
from torch import Tensor, nn

from cnntention.base import specs
from cnntention.base.errors import DeviceError, InterruptionError, TrainingError
from cnntention.data import dataset
from cnntention.data.batches import Augmenter, Normalizer
from cnntention.data.specs import Augmentation, Normalization
from cnntention.network import attention_use, predict
from cnntention.network.specs import Attention
from cnntention.training import checkpoint, heartbeat, history, training
from cnntention.training import train as step
from cnntention.training.optimization import Stopper, build_optimizer, build_schedule
from cnntention.training.specs import EarlyStopping, OneCycle, Recipe, RunSpec
from cnntention.training.step import Step
from cnntention.training.training import Training

torch.set_num_threads(1)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


@pytest.fixture
def data(paths) -> dataset.Dataset:
    return dataset.load(*paths)


@pytest.fixture
def tuning_data(paths) -> dataset.Dataset:
    return dataset.load(*paths, validation_images=20)


def with_part(data: dataset.Dataset, name: str, images: Tensor | None = None, labels: Tensor | None = None):
    """A copy of a dataset with one part changed."""
    old = data.parts[name]
    part = dataset.Part(old.images if images is None else images, old.labels if labels is None else labels)
    return dataset.Dataset(data.parts | {name: part}, data.class_names, data.image_shape, data.sha256)


def identical(first: nn.Module, second: nn.Module) -> bool:
    """Bit for bit, running statistics included."""
    states = first.state_dict(), second.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def without_seconds(rows: list[dict]) -> list[dict]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


# ---- optimisers


def steps_of(recipe: Recipe, start: Tensor, gradients: list[Tensor]) -> Tensor:
    """A parameter after one step for each gradient."""
    parameter = nn.Parameter(start.clone())
    optimizer = build_optimizer([parameter], recipe)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


START = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
GRADIENTS = [
    torch.tensor([0.1, 0.4, -0.3, 0.0], dtype=torch.float64),
    torch.tensor([-0.2, 0.1, 0.5, 0.3], dtype=torch.float64),
    torch.tensor([0.3, -0.3, 0.2, -0.1], dtype=torch.float64),
]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_sgd_is_momentum_over_gradient_plus_l2_decay(momentum, count):
    sgd = recipe(optimizer="sgd", lr=0.1, weight_decay=0.05, momentum=momentum)
    expected, velocity = START.clone(), torch.zeros_like(START)
    for gradient in GRADIENTS[:count]:
        velocity = (momentum or 0) * velocity + gradient + 0.05 * expected
        expected = expected - 0.1 * velocity
    torch.testing.assert_close(steps_of(sgd, START, GRADIENTS[:count]), expected, rtol=1e-12, atol=1e-14)


def adam_by_hand(decay_in_gradient: float, decoupled_decay: float, count: int) -> Tensor:
    expected, first, second = START.clone(), torch.zeros_like(START), torch.zeros_like(START)
    for number, raw in enumerate(GRADIENTS[:count], 1):
        gradient = raw + decay_in_gradient * expected
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        direction = first / (1 - 0.9**number) / ((second / (1 - 0.999**number)).sqrt() + 1e-8)
        expected = expected * (1 - 0.01 * decoupled_decay) - 0.01 * direction
    return expected


@pytest.mark.parametrize("count", [1, 3])
def test_adam_decays_weights_in_the_l2_form_and_not_as_adamw(count):
    result = steps_of(recipe(lr=0.01, weight_decay=0.05), START, GRADIENTS[:count])
    torch.testing.assert_close(result, adam_by_hand(0.05, 0, count), rtol=1e-10, atol=1e-12)
    assert (result - adam_by_hand(0, 0.05, count)).abs().max() > 1e-4


IMPORTS = """
import sys
from pathlib import Path
import torch
heavy = {"torch._dynamo", "torch._inductor", "sympy"} - set(sys.modules)
sys.path.append("tests/training")
from run_specs import Attention, run, run_spec
for optimizer in ("sgd", "adam"):
    uniform = Attention("selfatt-uniform", "weighted", {})
    spec = run_spec({"optimizer": optimizer}, attention=uniform)
    run(Path(sys.argv[3], optimizer), (Path(sys.argv[1]), Path(sys.argv[2])), spec)
print(sorted(heavy & set(sys.modules)))
"""


def test_a_training_that_compiles_nothing_imports_nothing_of_torch_compile(paths, tmp_path):
    """It takes a second and a half, which every step of a study would pay."""
    command = [sys.executable, "-c", IMPORTS, *map(str, paths), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


PATHS = [{"block": "mha", "options": {"heads": 2}}, {"block": "eca", "options": {}}]
ATTENTION = {
    "selfatt": SELFATT,
    "cbam": CBAM,
    "se in residual blocks": Attention("se", "none", {"reduction": 16}, placement="block"),
    "channels": Attention("mha", "weighted", {"heads": 8, "axis": "channel"}, stages=(1, 3)),
    "both axes": Attention("selfatt", "weighted", {"axis": "both", "scale": True, "positions": "learned"}, stages=(3,)),
    "parallel, projected": Attention("parallel", "plain", {"join": "concatenate", "paths": PATHS}),
    "parallel, added": Attention("parallel", "plain", {"join": "sum", "paths": PATHS}),
}


@pytest.mark.parametrize("attention", ATTENTION.values(), ids=ATTENTION)
def test_every_parameter_of_the_model_is_trained(data, attention):
    """The gates among them, which start at zero."""
    spec = run_spec(attention=attention)
    before = dict(Training(spec, data, CPU).model.named_parameters())
    after = dict(trained(spec, data).model.named_parameters())
    assert before.keys() == after.keys()
    assert [name for name in before if torch.equal(before[name], after[name])] == []


# ---- schedule


def test_learning_rate_drops_after_the_milestone_epochs():
    halving = recipe(optimizer="sgd", lr=0.4, milestones=(2, 5), gamma=0.5)
    optimizer = build_optimizer([nn.Parameter(torch.zeros(1))], halving)
    schedule = build_schedule(optimizer, halving, steps=3)
    rates = []
    for _ in range(7):
        rates.append(optimizer.param_groups[0]["lr"])
        for _ in range(3):
            optimizer.step()
            schedule.step()
    assert rates == pytest.approx([0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1])


def test_learning_rate_of_each_epoch_is_recorded(data):
    rows = trained(run_spec({"epochs": 4, "milestones": (1, 3)}), data).rows
    assert [row["lr"] for row in rows] == pytest.approx([0.01, 0.001, 0.001, 0.0001])


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_one_cycle_rises_to_the_rate_and_falls_to_nothing(anneal):
    """In closed form: of 40 steps, a quarter up from 1/25 of the rate, the others down."""
    cycle = recipe(optimizer="sgd", lr=0.4, epochs=4, schedule=OneCycle("onecycle", 0.25, anneal))
    optimizer = build_optimizer([nn.Parameter(torch.zeros(1))], cycle)
    schedule = build_schedule(optimizer, cycle, steps=10)
    rates = []
    for _ in range(40):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()

    def way(share: float) -> float:
        return share if anneal == "linear" else (1 - math.cos(math.pi * share)) / 2

    up = [0.016 + (0.4 - 0.016) * way(step / 9) for step in range(10)]
    down = [0.4 - (0.4 - 0.016e-4) * way(step / 30) for step in range(1, 31)]
    assert rates == pytest.approx(up + down)


@pytest.mark.parametrize(("epochs", "steps", "warmup"), [(5, 1, 0.2), (1, 2, 0.5), (10, 1, 0.1), (1, 1, 0.3)])
def test_too_few_steps_for_a_rate_to_rise_are_refused(epochs, steps, warmup):
    cycle = recipe(optimizer="sgd", lr=0.4, epochs=epochs, schedule=OneCycle("onecycle", warmup, "cos"))
    optimizer = build_optimizer([nn.Parameter(torch.zeros(1))], cycle)
    with pytest.raises(
        TrainingError, match=rf"schedule\.warmup: {warmup} of {epochs * steps} steps is not more than one"
    ):
        build_schedule(optimizer, cycle, steps)


def test_the_rate_of_one_cycle_is_in_the_history(data):
    cycle = {"epochs": 4, "schedule": OneCycle("onecycle", 0.25, "linear")}
    rates = [row["lr"] for row in trained(run_spec(cycle), data).rows]
    assert rates[0] == pytest.approx(0.01 / 25)
    assert max(rates) == rates[1] > rates[2] > rates[3] > 0


def test_nesterov_momentum_looks_ahead():
    """Nesterov 1983 in torch's form: v = m v + g, w = w - lr (g + m v)."""
    looking = recipe(optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=0.0, nesterov=True)
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = build_optimizer([weight], looking)
    expected, velocity = 1.0, 0.0
    for _ in range(4):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        gradient = 2 * expected
        velocity = 0.9 * velocity + gradient
        expected -= 0.1 * (gradient + 0.9 * velocity)
        optimizer.step()
    assert weight.item() == pytest.approx(expected)


def test_smoothed_labels_spread_a_share_over_the_classes(data):
    """Szegedy et al. 2015, section 7: (1 - s) of the loss of the label, and s of the mean loss of all classes."""
    share, scores = 0.3, torch.tensor([[2.0, 0.0, -1.0]])
    training = Training(run_spec({"label_smoothing": share, "batch_size": 8}), data, torch.device("cpu"))
    training.step.forward = lambda images: scores.expand(len(images), 3).clone().requires_grad_()
    with pytest.raises(InterruptionError):
        training.run_epoch(stop)
    labels = data.parts["train"].labels[training.epoch.order[:8]]
    losses = -(scores[0] - scores[0].exp().sum().log())
    expected = (1 - share) * losses[labels].mean() + share * losses.mean()
    assert training.epoch.losses[0].item() == pytest.approx(expected.item(), rel=1e-5)


def stop() -> None:
    raise InterruptionError("stopped", signal.SIGTERM)


# ---- early stopping


def answers(rule: EarlyStopping | None, errors: list[float]) -> list[bool]:
    stopping = Stopper(rule)
    return [stopping.should_stop(error) for error in errors]


def test_stops_after_patience_epochs_without_relative_improvement():
    """By 10%: 45 is not below 0.9 * 50, 44.9 is; 41 and 40.5 are not below 0.9 * 44.9 = 40.41."""
    assert answers(EarlyStopping(2, 0.1), [50, 45, 44.9, 41, 40.5]) == [False, False, False, False, True]


def test_small_improvements_add_up_against_the_best_error():
    """Each epoch improves by 4%, and every third by more than 10% on the best that counted."""
    assert not any(answers(EarlyStopping(3, 0.1), [100 * 0.96**epoch for epoch in range(30)]))


def test_a_worse_epoch_does_not_become_the_best():
    assert answers(EarlyStopping(3, 0), [10, 20, 19, 18]) == [False, False, False, True]


def test_equal_errors_are_no_improvement():
    assert answers(EarlyStopping(1, 0), [10, 10]) == [False, True]
    assert answers(EarlyStopping(1, 0.001), [0, 0]) == [False, True]


def test_without_a_rule_training_never_stops():
    assert not any(answers(None, [1.0] * 500))


@pytest.mark.parametrize("patience", [1, 3])
def test_validation_error_stops_training(tuning_data, patience):
    """Errors would have to fall by 99.9% to count: training ends ``patience`` epochs after the first."""
    rule = EarlyStopping(patience, 0.999)
    spec = run_spec({"lr": 1e-9, "epochs": 6, "early_stopping": rule}, validation_images=20)
    assert len(trained(spec, tuning_data).rows) == patience + 1


def test_test_error_never_stops_training(data):
    rule = EarlyStopping(1, 0.999)
    assert len(trained(run_spec({"lr": 1e-9, "epochs": 4, "early_stopping": rule}), data).rows) == 4


def test_last_epochs_weights_are_kept_when_training_stops(tuning_data):
    rule = EarlyStopping(2, 0.999)
    stopped = trained(run_spec({"epochs": 9, "early_stopping": rule}, validation_images=20), tuning_data)
    whole = trained(run_spec({"epochs": len(stopped.rows)}, validation_images=20), tuning_data)
    assert len(stopped.rows) < 9
    assert identical(stopped.model, whole.model)


# ---- the loop


def test_separable_images_are_learnt(data):
    done = trained(run_spec({"epochs": 20, "milestones": (15,)}), data)
    assert done.rows[0]["train_error"] > 10
    assert done.rows[-1]["train_error"] < 5
    assert done.rows[-1]["test_error"] < 5


@pytest.mark.parametrize("attention", [None, SELFATT, CBAM])
def test_one_seed_gives_one_result_bit_for_bit(data, attention):
    first, second = (trained(run_spec(attention=attention), data) for _ in range(2))
    assert identical(first.model, second.model)
    assert without_seconds(first.rows) == without_seconds(second.rows)


def test_another_seed_gives_another_result(data):
    first, second = (trained(run_spec(seed=seed), data) for seed in (10, 11))
    assert not identical(first.model, second.model)
    assert first.rows[-1]["train_loss"] != second.rows[-1]["train_loss"]


def test_state_of_the_global_generator_does_not_matter(data):
    results = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        results.append(trained(run_spec({"epochs": 1}), data))
    assert identical(results[0].model, results[1].model)


@pytest.mark.parametrize("split", ["full", "tune"])
def test_test_part_never_influences_the_weights(data, tuning_data, split):
    original = data if split == "full" else tuning_data
    rule = EarlyStopping(1, 0.3)
    spec = run_spec({"epochs": 4, "early_stopping": rule}, validation_images=20 if split == "tune" else 0)
    test = original.parts["test"]
    relabelled = with_part(original, "test", labels=(test.labels + 1) % 3)
    repainted = with_part(original, "test", images=255 - test.images)
    results = [trained(spec, changed) for changed in (original, relabelled, repainted)]
    for other in results[1:]:
        assert len(other.rows) == len(results[0].rows)
        assert identical(other.model, results[0].model)
    if split == "full":
        assert results[1].rows[-1]["test_error"] != results[0].rows[-1]["test_error"]


def test_validation_part_influences_no_more_than_the_time_to_stop(tuning_data):
    part = tuning_data.parts["validation"]
    spec = run_spec(validation_images=20)
    changed = with_part(tuning_data, "validation", labels=(part.labels + 1) % 3)
    assert identical(trained(spec, tuning_data).model, trained(spec, changed).model)


def test_last_epochs_weights_are_kept_though_an_earlier_epoch_was_better(data):
    """The learning rate jumps for the last epoch and wrecks the model."""
    done = trained(run_spec({"epochs": 5, "milestones": (4,), "gamma": 300}), data)
    test = data.parts["test"]
    loss, error = predict.loss_and_error(
        predict.logits(done.model, test, Normalizer(NORMALIZATION, 1, CPU)), test.labels
    )
    assert min(row["test_loss"] for row in done.rows) < done.rows[-1]["test_loss"] / 2
    assert (done.rows[-1]["test_loss"], done.rows[-1]["test_error"]) == (loss, error)


def test_one_epoch_of_one_batch_is_one_step_against_the_gradient(data):
    """SGD on all images at once, from the weights that the seed gives, in closed form."""
    spec = run_spec(
        {"optimizer": "sgd", "lr": 0.1, "weight_decay": 0.01, "batch_size": 100, "epochs": 1},
        augmentation=Augmentation(flip=False, crop_padding=0),
    )
    done = trained(spec, data)
    torch.manual_seed(spec.seed)
    model = checkpoint.build(spec, 1, 3)
    part = data.parts["train"]
    scores = model((part.images.permute(0, 3, 1, 2) / 255 - 0.3) / 0.25)
    loss = -scores.log_softmax(1)[torch.arange(len(part)), part.labels].mean()
    loss.backward()
    assert done.rows[0]["train_loss"] == pytest.approx(loss.item(), rel=1e-4)
    error = 100 * sum(int(s.argmax()) != int(y) for s, y in zip(scores, part.labels, strict=True)) / len(part)
    assert done.rows[0]["train_error"] == pytest.approx(error)
    results = dict(done.model.named_parameters())
    for name, start in model.named_parameters():
        expected = start - 0.1 * (start.grad + 0.01 * start)
        torch.testing.assert_close(results[name], expected, rtol=1e-3, atol=1e-5)
        assert not torch.equal(results[name], start), name


class Spy(Augmenter):
    """Keeps what goes in and what comes out of every augmenter."""

    taken: list[Tensor]
    given: list[Tensor]

    def __call__(self, images: Tensor) -> Tensor:
        result = super().__call__(images)
        type(self).taken.append(images.clone())
        type(self).given.append(result.clone())
        return result


@pytest.fixture
def spy(monkeypatch) -> type[Spy]:
    monkeypatch.setattr(Spy, "taken", [], raising=False)
    monkeypatch.setattr(Spy, "given", [], raising=False)
    monkeypatch.setattr(training, "Augmenter", Spy)
    return Spy


def test_every_epoch_takes_each_training_image_once_in_a_new_order(data, spy):
    trained(run_spec({"epochs": 2}), data)
    assert [len(batch) for batch in spy.taken] == [16, 16, 16, 12] * 2
    flat = [image.numpy().tobytes() for batch in spy.taken for image in batch]
    expected = [image.numpy().tobytes() for image in data.parts["train"].images]
    first, second = flat[:60], flat[60:]
    assert sorted(first) == sorted(second) == sorted(expected)
    assert first != second
    assert expected not in (first, second)


def test_models_of_one_seed_see_the_same_augmented_images(data, spy):
    for attention in (None, SELFATT, CBAM):
        trained(run_spec(attention=attention), data)
    third = len(spy.given) // 3
    for baseline, selfatt, cbam in zip(*(spy.given[i * third : (i + 1) * third] for i in range(3)), strict=True):
        assert torch.equal(baseline, selfatt)
        assert torch.equal(baseline, cbam)


def test_models_of_other_seeds_see_other_batches_and_crops(data, spy):
    for seed in (10, 11):
        trained(run_spec({"epochs": 1, "batch_size": 100}, seed=seed), data)
    assert not torch.equal(spy.taken[0], spy.taken[1])
    places = [(given.flatten(1) == 0).sum(1).bincount(minlength=65).tolist() for given in spy.given]
    assert places[0] != places[1]


@pytest.mark.parametrize("flip", [True, False])
def test_images_are_mirrored_where_the_spec_says_so(data, spy, flip):
    trained(run_spec({"epochs": 4}, augmentation=Augmentation(flip=flip, crop_padding=0)), data)
    taken, given = torch.cat(spy.taken), torch.cat(spy.given)
    mirrored = (given == taken.flip(2)).flatten(1).all(1)
    kept = (given == taken).flatten(1).all(1)
    assert (mirrored | kept).all()
    assert 0.3 < mirrored.float().mean() < 0.7 if flip else kept.all()


def test_models_are_judged_in_fp32_whatever_they_are_trained_in(data):
    training = trained(run_spec(precision="bf16"), data)
    test = data.parts["test"]
    scores = predict.logits(training.model, test, Normalizer(NORMALIZATION, 1, CPU))
    assert scores.dtype == torch.float32
    assert training.rows[-1]["test_loss"] == predict.loss_and_error(scores, test.labels)[0]


def test_an_epochs_seconds_are_those_of_its_steps_and_its_evaluation(data, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    takes = {"step": 1.0, "judge": 1000.0}

    class Slow(Step):
        def __call__(self, epoch):
            clock[0] += takes["step"]
            super().__call__(epoch)

    logits = predict.logits

    def slow(*arguments):
        clock[0] += takes["judge"]
        return logits(*arguments)

    monkeypatch.setattr(training, "Step", Slow)
    monkeypatch.setattr(training.predict, "logits", slow)
    assert [row["seconds"] for row in trained(run_spec(), data).rows] == [1004.0, 1004.0]


def test_what_an_epoch_takes_is_known_without_the_first_of_each_process(data):
    """In which kernels are compiled; it counts while there is no other."""

    def after(*seconds: float) -> float | None:
        taken.rows = [{"seconds": each} for each in seconds]
        return taken.seconds_per_epoch

    taken = Training(run_spec(), data, CPU)
    assert [after(), after(100.0), after(100.0, 2.0), after(100.0, 2.0, 4.0)] == [None, 100.0, 2.0, 3.0]
    again = Training(run_spec(), data, CPU)
    again.restore(taken.state())
    again.rows = [{"seconds": each} for each in (100.0, 2.0, 4.0, 80.0)]
    assert again.seconds_per_epoch == 3.0
    again.rows.append({"seconds": 6.0})
    assert again.seconds_per_epoch == 4.0


def test_batch_norm_learns_from_every_batch_of_every_epoch(data):
    """Evaluation between the epochs leaves it neither frozen nor fed with test images."""
    model = trained(run_spec({"epochs": 3}), data).model
    layers = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {int(layer.num_batches_tracked) for layer in layers} == {3 * 4}


def test_loss_and_error_of_an_epoch_are_means_over_its_images(data, monkeypatch):
    """Weighted by batch: 60 images in batches of 16 leave a last one of 12."""
    batches = []
    original = F.cross_entropy

    def spied(scores: Tensor, labels: Tensor, **options) -> Tensor:
        if scores.requires_grad:
            batches.append((scores.detach().clone(), labels.clone()))
        return original(scores, labels, **options)

    monkeypatch.setattr(nn.functional, "cross_entropy", spied)
    rows = trained(run_spec({"epochs": 1}), data).rows
    losses, wrong = [], 0
    for scores, labels in batches:
        for score, label in zip(scores.double().tolist(), labels.tolist(), strict=True):
            losses.append(math.log(sum(math.exp(value) for value in score)) - score[label])
            wrong += score.index(max(score)) != label
    assert len(losses) == 60
    assert rows[0]["train_loss"] == pytest.approx(sum(losses) / 60, rel=1e-5)
    assert rows[0]["train_error"] == pytest.approx(100 * wrong / 60)


@pytest.mark.parametrize("epochs", [1, 3])
def test_divergence_is_an_error(data, epochs):
    with pytest.raises(TrainingError, match="lr 1e\\+30"):
        trained(run_spec({"optimizer": "sgd", "lr": 1e30, "epochs": epochs}), data)


def test_divergence_in_the_very_last_step_is_an_error(data):
    """The loss of the only batch is that of the untouched weights; the step after it makes them infinite or NaN."""
    spec = run_spec({"optimizer": "sgd", "lr": 1e30, "weight_decay": 1e30, "batch_size": 100, "epochs": 1})
    with pytest.raises(TrainingError):
        trained(spec, data)


# ---- prediction


def test_predictions_do_not_depend_on_the_size_of_batches(data, monkeypatch):
    """In order, in evaluation mode, without gradients; 30 images in batches of 7 leave a last one of 2."""
    model = trained(run_spec({"epochs": 1}), data).model.train()
    part, normalize = data.parts["test"], Normalizer(NORMALIZATION, 1, CPU)
    whole = predict.logits(model, part, normalize)
    assert not model.training
    assert not whole.requires_grad
    monkeypatch.setitem(predict.BATCH_SIZES, "cpu", 7)
    torch.testing.assert_close(predict.logits(model.train(), part, normalize), whole, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        alone = torch.cat([model(normalize(image[None])) for image in part.images])
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-5)


def test_loss_and_error_of_logits():
    scores = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0], [0.0, 5.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    labels = torch.tensor([0, 1, 1, 2])
    losses = [
        math.log(math.e**2 + 2) - 2,
        math.log(1 + math.e + math.e**3) - 1,
        math.log(2 + math.e**5) - 5,
        math.log(math.e + 2) - 0,
    ]
    loss, error = predict.loss_and_error(scores, labels)
    assert loss == pytest.approx(sum(losses) / 4)
    assert error == 50


# ---- from files to files


def test_run_writes_a_checkpoint_that_rebuilds_the_model(paths, data, tmp_path):
    spec = run_spec(attention=SELFATT)
    done = run(tmp_path, paths, spec)
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    assert specs.read(RunSpec, content["spec"]) == spec
    loaded = checkpoint.load(tmp_path / "model.pt")
    assert loaded.data_sha256 == data.sha256
    assert loaded.class_names == ["0", "1", "2"]
    assert loaded.training["epochs"] == 2
    assert loaded.training["seconds"] == sum(row["seconds"] for row in done.rows)
    assert loaded.training["device"].startswith("CPU")
    normalize = Normalizer(spec.normalization, 1, CPU)
    model = loaded.model.to(memory_format=torch.channels_last)
    assert identical(model, done.model)
    assert torch.equal(
        predict.logits(model, data.parts["test"], normalize),
        predict.logits(done.model, data.parts["test"], normalize),
    )


@pytest.mark.parametrize(("held_out", "monitored"), [(0, "test"), (20, "validation")])
def test_history_has_a_row_for_each_epoch(paths, tmp_path, held_out, monitored):
    done = run(tmp_path, paths, run_spec({"epochs": 3, "milestones": (2,)}, validation_images=held_out))
    with open(tmp_path / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [
        "epoch",
        "lr",
        "train_loss",
        "train_error",
        "validation_loss",
        "validation_error",
        "test_loss",
        "test_error",
        "seconds",
    ]
    columns += ["gate_1", "gate_2", "gate_3", "share_1", "share_2", "share_3"]
    assert list(rows[0]) == columns == [*history.COLUMNS, *history.LATER]
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    unseen = "test" if monitored == "validation" else "validation"
    for row, expected in zip(rows, done.rows, strict=True):
        assert row[f"{unseen}_loss"] == row[f"{unseen}_error"] == ""
        assert {key: float(value) for key, value in row.items() if value} == expected
        assert 0 <= expected[f"{monitored}_error"] <= 100


@pytest.mark.parametrize(("attention", "gated"), [(None, 0), (SELFATT, 3), (CBAM, 0)], ids=str)
def test_history_follows_gates_and_shares_to_those_of_the_final_model(paths, tmp_path, attention, gated):
    done = run(tmp_path, paths, run_spec(attention=attention))
    first, last = done.rows
    assert [key for key in last if key.startswith("gate")] == [f"gate_{stage}" for stage in (1, 2, 3)][:gated]
    assert [last[f"gate_{stage}"] for stage in (1, 2, 3)[:gated]] == [
        connection.gate.item() for connection in done.model.attention if gated
    ]
    with attention_use.shares(done.model) as shares:
        predict.logits(done.model, dataset.load(*paths).parts["test"], Normalizer(NORMALIZATION, 1, "cpu"))
    assert [last.get(f"share_{stage}") for stage in (1, 2, 3)] == (shares if attention else [None] * 3)
    assert attention is None or first["share_3"] != last["share_3"]


def test_held_out_images_are_not_trained_on(paths, tmp_path, spy):
    run(tmp_path, paths, run_spec({"epochs": 1}, validation_images=20))
    parts = dataset.load(*paths, validation_images=20).parts
    seen = {image.numpy().tobytes() for batch in spy.taken for image in batch}
    assert seen == {image.numpy().tobytes() for image in parts["train"].images}
    assert seen.isdisjoint(image.numpy().tobytes() for image in parts["validation"].images)


def test_diverged_run_leaves_only_itself_for_a_look(paths, tmp_path):
    with pytest.raises(TrainingError) as caught:
        run(tmp_path, paths, run_spec({"optimizer": "sgd", "lr": 1e30}))
    # The first loss is finite, whatever the lr; the weights after it are not.
    assert re.search(
        r"separable/tiny/full/seed10: the training loss became (nan|inf) in epoch 1, step [2-4] of 4, at lr 1e\+30",
        str(caught.value),
    )
    kept = tmp_path / "state.diverged.pt"
    assert str(kept) in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [kept, tmp_path / "state.json"]
    assert heartbeat.read(tmp_path / "state.json").ended == "failed"
    losses = torch.load(kept, weights_only=True)["epoch"]["losses"]
    assert losses[0].isfinite()
    assert not losses.isfinite().all()


def test_the_rates_at_which_a_run_diverged_are_told(paths, tmp_path):
    """From the first step of the epoch to the step after the last look: up over four steps, and a quarter down."""
    cycle = OneCycle("onecycle", 0.5, "linear")
    spec = run_spec({"optimizer": "sgd", "lr": 25e30, "epochs": 2, "schedule": cycle})
    with pytest.raises(TrainingError, match=r"step [2-4] of 4, at lr 1e\+30 to 1\.875e\+31; try a lower lr"):
        run(tmp_path, paths, spec)


def test_a_run_that_diverges_later_keeps_the_state_before(paths, tmp_path, monkeypatch):
    spec = run_spec({"epochs": 3})
    broken = iter([1.0] * 6 + [math.inf] * 6)
    entropy = F.cross_entropy
    monkeypatch.setattr(
        F, "cross_entropy", lambda s, t, **o: entropy(s, t, **o) * (next(broken) if s.requires_grad else 1)
    )
    with pytest.raises(TrainingError, match=r"became (nan|inf) in epoch 2, step 3 of 4, at lr 0\.01"):
        run(tmp_path, paths, spec)
    monkeypatch.undo()
    lines: list[str] = []
    run(tmp_path, paths, spec, lines.append)
    assert "resuming   after epoch 1" in lines
    assert sorted(file.name for file in tmp_path.iterdir()) == ["history.csv", "model.pt"]


class TooLarge(nn.Module):
    """Stands for a network that a GPU has memory for with so many images at most."""

    def __init__(self, images: int):
        super().__init__()
        self.images = images
        self.asked: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.asked.append(len(x))
        if len(x) > self.images:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return x.flatten(1)[:, :3]


@pytest.mark.parametrize(
    ("batch_size", "advice"),
    [
        (16, "the batch size is 16, try batch_size: 8 in the recipe of tiny or fewer runs at once"),
        (7, "the batch size is 7, try batch_size: 3 in the recipe of tiny or fewer runs at once"),
        (3, "the batch size is 3; run fewer at once, or on another machine"),
    ],
)
@pytest.mark.parametrize("place", ["data", "step"])
def test_too_little_memory_is_an_error_that_names_the_batch_size_to_try(
    paths, tmp_path, monkeypatch, batch_size, advice, place
):
    def too_large(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    if place == "data":
        monkeypatch.setattr(step.datasets, "load", too_large)
    else:
        monkeypatch.setattr(F, "cross_entropy", too_large)
    with pytest.raises(DeviceError) as caught:
        run(tmp_path, paths, run_spec({"batch_size": batch_size}))
    assert str(caught.value) == f"separable/tiny/full/seed10: out of memory; {advice}"
    assert [file.name for file in tmp_path.iterdir()] == ([] if place == "data" else ["state.json"])  # for watchers


def test_predictions_take_fewer_images_at_a_time_where_memory_does_not_do(data):
    part, normalize = data.parts["test"], Normalizer(NORMALIZATION, 1, CPU)
    small, large = TooLarge(images=8), TooLarge(images=500)
    assert torch.equal(predict.logits(small, part, normalize), predict.logits(large, part, normalize))
    assert large.asked == [30]
    assert small.asked[-4:] == [8, 8, 8, 6]  # the 30 images at 128, 64, 32 and 16 a time did not do
    with pytest.raises(torch.OutOfMemoryError):
        predict.logits(TooLarge(images=0), part, normalize)


def test_files_of_two_runs_hold_the_same(paths, tmp_path):
    spec = run_spec()
    for name in ("first", "second"):
        run(tmp_path / name, paths, spec)
    first, second = (checkpoint.load(tmp_path / name / "model.pt") for name in ("first", "second"))
    assert identical(first.model, second.model)
    histories = [pd.read_csv(tmp_path / name / "history.csv").drop(columns="seconds") for name in ("first", "second")]
    pd.testing.assert_frame_equal(*histories)


def test_the_heartbeat_tells_of_every_epoch_and_is_gone_at_the_end(paths, tmp_path):
    beats = []
    done = run(
        tmp_path, paths, run_spec({"epochs": 3}), lambda _: beats.append(heartbeat.read(tmp_path / "state.json"))
    )
    assert [beat.epoch for beat in beats if beat][-1] == 2
    assert beats[-2].error == done.rows[1]["test_error"]
    assert beats[-1] is None
    assert sorted(file.name for file in tmp_path.iterdir()) == ["history.csv", "model.pt"]


def test_log_tells_run_size_and_every_epoch(paths, tmp_path):
    lines: list[str] = []
    run(tmp_path, paths, run_spec({"epochs": 3}), lines.append)
    text = "\n".join(lines)
    count = sum(parameter.numel() for parameter in checkpoint.build(run_spec(), 1, 3).parameters())
    assert f"{count:,} parameters" in text
    assert "60 training images, 30 test images" in text
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    assert str(tmp_path / "model.pt") in lines[-1]
    assert not [line for line in lines if line.startswith("note")]


def test_log_tells_of_statistics_of_other_images(paths, tmp_path):
    lines: list[str] = []
    run(tmp_path, paths, run_spec({"epochs": 1}, normalization=Normalization((0.9,), (0.1,))), lines.append)
    assert [line for line in lines if "normalization seems to be of other images" in line]
