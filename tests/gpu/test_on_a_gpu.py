"""What only a real GPU can show: ``pytest -m gpu``. What a pretended one shows as well: tests/pretended_gpu/."""

import copy
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from run_specs import CBAM, MHA, NORMALIZATION, SELFATT, files_in, quiet, run_spec
from test_dataset import separable, write_prepared
from torch.profiler import ProfilerActivity, profile

from cnntention.attention.heads import attend
from cnntention.base import device
from cnntention.base.device import Machine
from cnntention.base.layout import DataFiles
from cnntention.data import dataset
from cnntention.data.batches import Normalizer
from cnntention.evaluation import gradcam
from cnntention.evaluation.evaluate import evaluate
from cnntention.network import predict
from cnntention.training import checkpoint, train
from cnntention.training.captured import WARM_STEPS, Capture
from cnntention.training.plan import Plan
from cnntention.training.training import Training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU on this machine"),
]
CPU = torch.device("cpu")
MODELS = pytest.mark.parametrize("attention", [None, SELFATT, MHA, CBAM], ids=["baseline", "selfatt", "mha", "cbam"])
IMAGES, BATCH = 330, 16


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    images = separable(train=IMAGES, test=90, size=32)
    return write_prepared(tmp_path_factory.mktemp("separable"), images)


@pytest.fixture
def on_gpu() -> Iterator[torch.device]:
    """As a step sets it up; what it switches on for the whole process is off afterwards."""
    target = device.select(Machine("cuda"), quiet)
    yield target
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False


def spec_of(attention, **changes):
    return run_spec({"lr": 0.003} | changes, attention=attention, precision="auto")


def training_of(spec, paths, target, **plan) -> Training:
    """A new one, with changes of the plan that it has by itself."""
    data = dataset.load(*paths, device=target)
    return Training(spec, data, target, dataclasses.replace(Plan.choose(spec, data, target, Machine("cuda")), **plan))


@MODELS
def test_a_run_is_trained_in_captured_steps_and_evaluated(attention, paths, tmp_path, on_gpu):
    files, lines = files_in(tmp_path), []
    train.train(spec_of(attention, epochs=4), files, DataFiles(*paths), Machine("cuda"), lines.append)
    evaluate(files, DataFiles(*paths), Machine("cuda"))
    record = checkpoint.load(files.model).training
    assert record["captured"], lines
    assert record["device"] == torch.cuda.get_device_name(on_gpu)
    assert json.loads(files.evaluation.read_text(encoding="utf-8"))["accuracy"] > 50


@MODELS
def test_captured_steps_do_what_others_do(attention, paths, on_gpu):
    """The order of sums on a GPU is not always the same: an epoch's losses are alike, not equal."""
    losses = []
    for capture in (Capture(True, ""), Capture(False, "")):
        training = training_of(spec_of(attention), paths, on_gpu, capture=capture)
        assert training.plan.capture.on == capture.on
        training.run_epoch()
        losses.append(training.epoch.losses.cpu())
    torch.testing.assert_close(*losses, rtol=0.1, atol=0.02)


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_stopped_run_goes_on(deterministic, paths, tmp_path, on_gpu):
    """With ``machine.deterministic`` to the same bits."""
    spec, machine = spec_of(SELFATT, epochs=3), Machine("cuda", deterministic=deterministic)

    def killed(line: str) -> None:
        if line.startswith("epoch    2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.train(spec, files_in(tmp_path / "killed"), DataFiles(*paths), machine, killed)
    lines: list[str] = []
    again = train.train(spec, files_in(tmp_path / "killed"), DataFiles(*paths), machine, lines.append)
    whole = train.train(spec, files_in(tmp_path / "whole"), DataFiles(*paths), machine, quiet)
    assert any(line.startswith("resuming   after epoch 1") for line in lines), lines
    assert len(again.rows) == len(whole.rows) == 3
    if deterministic:
        weights = whole.model.state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in again.model.state_dict().items())
    assert again.rows[-1]["test_error"] == pytest.approx(whole.rows[-1]["test_error"], abs=10)


@MODELS
def test_a_step_is_one_launch_and_waits_for_nothing(attention, paths, on_gpu):
    training = training_of(spec_of(attention), paths, on_gpu)
    steps = IMAGES // BATCH  # whole batches

    def check() -> None:
        """Waiting is an error, but for the steps before the capture and where the epoch ends."""
        inside = WARM_STEPS + 1 < training.epoch.step < steps - 1
        torch.cuda.set_sync_debug_mode("error" if inside else "default")

    training.run_epoch(check)
    training.epoch = None
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        training.run_epoch()
    calls = {event.key: event.count for event in seen.key_averages()}
    assert calls["cudaGraphLaunch"] == steps
    launches = sum(count for name, count in calls.items() if name.startswith(("cudaLaunchKernel", "cuLaunchKernel")))
    assert launches < 5 * steps + 1000, "the last, smaller batch is launched kernel by kernel"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("channels", "heads"), [(16, 8), (32, 8), (64, 8), (16, 1), (64, 1)])
def test_attention_is_exact_and_stores_no_matrix(channels, heads, dtype, on_gpu):
    inputs = [torch.randn(4, channels, 32, 32, generator=torch.Generator().manual_seed(i)).to(dtype) for i in range(3)]
    exact = [x.double().requires_grad_() for x in inputs]
    ours = [x.to(on_gpu).requires_grad_() for x in inputs]
    direction = torch.randn_like(exact[0])
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    results = attend(*ours, heads, 0.5), attend(*exact, heads, 0.5)
    gradients = [
        torch.autograd.grad(result, x, direction.to(result)) for result, x in zip(results, (ours, exact), strict=True)
    ]
    assert torch.cuda.max_memory_allocated() - before < 4 * heads * 1024**2 * dtype.itemsize
    tolerance = 1e-4 if dtype == torch.float32 else 0.03
    for actual, expected in zip((results[0], *gradients[0]), (results[1], *gradients[1]), strict=True):
        error = (actual.cpu().double() - expected).abs().max() / expected.abs().max()
        assert error < tolerance


@MODELS
def test_the_gpu_answers_and_explains_as_the_cpu_does(attention, paths, on_gpu):
    """In fp32, which on the GPU is not TF32."""
    model = checkpoint.build(spec_of(attention), 1, 3).eval()
    found = []
    for target in (CPU, on_gpu):
        there = copy.deepcopy(model).to(target)
        part, normalize = dataset.load(*paths, device=target).parts["test"], Normalizer(NORMALIZATION, 1, target)
        maps, _ = gradcam.maps(there, gradcam.target_layer(there), normalize(part.images[:4]))
        found.append((predict.logits(there, part, normalize).cpu(), torch.as_tensor(maps)))
    for on_cpu, there in zip(*found, strict=True):
        torch.testing.assert_close(there, on_cpu, rtol=1e-3, atol=1e-3)
