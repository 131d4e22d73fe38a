"""The benchmarks measure what they say: the reference is the same model, and the floor's work is that of the step."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT
from run_specs import CBAM, MHA, SELFATT, run_spec
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import concurrency, cores, dag, floor, operations, reference, table
from benchmarks.measure import Clock, EnoughError
from benchmarks.training import kept, result_file
from cnntention.attention import kernel
from cnntention.network.resnet import ResNet
from cnntention.network.specs import Attention
from cnntention.training.precision import Precision
from docs.blocks import shown

CPU = torch.device("cpu")
FP32 = Precision("fp32", "")


@pytest.mark.parametrize("attention", [None, SELFATT, MHA, CBAM], ids=["baseline", "selfatt", "mha", "cbam"])
def test_the_reference_is_the_same_model_to_its_gradients(attention):
    ours, plain = (ResNet(8, 3, 10, attention) for _ in range(2))
    plain.load_state_dict(ours.state_dict())
    reference.plain(plain)
    assert (type(plain.attention[0]) is nn.Identity) == (attention is None)
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    scores = [model(images) for model in (ours, plain)]
    torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-4)
    for result in scores:
        result.square().sum().backward()
    largest = max(parameter.grad.abs().max() for parameter in plain.parameters())
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        # Keys' biases change no weight: their gradients are rounding errors.
        scale = theirs.grad.abs().max().clamp(min=1e-2 * largest)
        torch.testing.assert_close(mine.grad / scale, theirs.grad / scale, rtol=0, atol=1e-3)


def test_only_the_references_attention_is_a_matrix():
    """Which is what makes its memory."""
    largest = []
    for plain in (False, True):
        block = ResNet(8, 3, 10, MHA).attention[0].block
        if plain:
            reference.plain(block)
        with Largest() as seen:
            block(torch.rand(1, 16, 16, 16))
        largest.append(seen.numel)
    assert largest == [16 * 16 * 16, 8 * 256 * 256]


class Largest(TorchDispatchMode):
    """The largest tensor that an operation returns."""

    numel = 0

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        result = operation(*arguments, **(keywords or {}))
        results = result if isinstance(result, tuple) else (result,)
        self.numel = max([self.numel, *(each.numel() for each in results if torch.is_tensor(each))])
        return result


# ---- trainings at once


@pytest.mark.parametrize("models", [["selfatt"], ["cbam-16", "mha", "selfatt", "baseline"]], ids=["one", "all"])
def test_trainings_at_once_are_told_for_any_models_and_kept_for_all(models, tmp_path, monkeypatch, capsys):
    """Two at once are half as fast again as one, which makes two thirds of the hours."""
    monkeypatch.setattr(concurrency, "together", lambda model, number, args: 100.0 * (1 + number))
    monkeypatch.setattr(concurrency, "process", lambda *arguments: {"device": "cpu"})
    monkeypatch.setattr(concurrency, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["concurrency", *models, "--at-once", "1", "2"])
    concurrency.main()
    last = next(line for line in capsys.readouterr().out.splitlines() if line.split()[0] == "2")
    assert last.split()[1:] == ["300"] * len(models) + ["1.50x"] * (len(models) == 4)
    kept = [json.loads(path.read_text())["rows"] for path in tmp_path.iterdir()]
    if len(models) == 1:
        assert not kept
    else:
        [[one, two]] = kept
        assert one["study_hours"] / two["study_hours"] == pytest.approx(1.5)


# ---- the floor

PEAKS = floor.Peaks(gflops=100.0, gbytes=10.0, gexps=1.0)
STEM = 32 * 32 * 3 * 16 * 9
BASELINE = 40_551_040  # multiply-adds, see test_complexity.py
STAGES = [(32 * 32, 16), (16 * 16, 32), (8 * 8, 64)]


def work(attention: Attention | None) -> floor.Work:
    return floor.of_training(run_spec(depth=20, attention=attention), FP32, PEAKS)


def test_a_step_of_the_baseline_is_three_forward_passes_less_the_gradient_of_the_images():
    counted = work(None)
    assert counted.flops == 2 * (3 * BASELINE - STEM)
    assert counted.exponentials == 0
    assert counted.seconds >= counted.flops / 100e9


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize(("attention", "heads", "projections"), [(SELFATT, 1, 3), (MHA, 8, 4)], ids=["selfatt", "mha"])
def test_attention_adds_its_products_and_its_exponentials_twice(attention, heads, projections, ours, monkeypatch):
    if not ours:
        monkeypatch.setattr(kernel, "use", lambda *_: None)
    added = work(attention).flops - work(None).flops
    products = sum((2 + 5) * n * n * c for n, c in STAGES)
    assert added == 2 * (products + 3 * projections * sum(n * c * c for n, c in STAGES))
    assert work(attention).exponentials == 2 * heads * sum(n * n for n, _ in STAGES)


def test_an_operation_takes_the_longer_of_arithmetic_and_traffic():
    left = torch.rand(64, 64)
    with floor.Count(PEAKS) as counter:
        left @ left
    assert counter.work.flops == 2 * 64**3
    assert counter.work.gigabytes == 3 * 64 * 64 * 4 / 1e9
    assert counter.work.seconds == pytest.approx(max(2 * 64**3 / 100e9, 3 * 64 * 64 * 4 / 10e9))
    with floor.Count(PEAKS) as counter:
        left.view(-1).detach()
    assert counter.work.seconds == 0


# ---- where the time goes


def test_a_steps_operations_add_up_to_its_floor():
    (counter,) = floor.count(run_spec(attention=CBAM), CPU, FP32, PEAKS, batch=4)
    found = operations.milliseconds([counter])
    assert sum(group["floor_ms"] for group in found.values()) == pytest.approx(1e3 * counter.work.seconds)
    assert all(found[name]["ms"] > 0 for name in ("Convolutions", "Batch norm", "ReLU", "Sums", "All else"))
    assert found["Attention"] == {"floor_ms": 0, "ms": 0}


def test_the_fastest_step_counts():
    slow, fast = (Step({"convolution": [0.001, seconds]}) for seconds in (2.0, 1.0))
    assert operations.milliseconds([slow, fast])["Convolutions"] == {"floor_ms": 1, "ms": 1000}


class Step:
    def __init__(self, operations: dict[str, list[float]]):
        self.operations = operations


@pytest.mark.parametrize(
    ("operation", "group"),
    [
        ("convolution_backward", "Convolutions"),
        ("native_batch_norm_backward", "Batch norm"),
        ("relu_", "ReLU"),
        ("threshold_backward", "ReLU"),
        ("_scaled_dot_product_flash_attention_for_cpu_backward", "Attention"),
        ("add_", "Sums"),
        ("mul", "All else"),
    ],
)
def test_operations_are_grouped_by_name(operation, group):
    assert operations.group(operation) == group


# ---- measuring


def test_the_clock_leaves_out_the_warm_up(monkeypatch):
    now = iter([100.0, 103.0, 104.0, 105.0, 110.0, 110.0])  # asked for from the third measured step on
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    clock = Clock(CPU, started=0.0, warm_up=2, seconds=5.0, batch_size=32)
    for _ in range(2 + 5):
        clock.tick()
    with pytest.raises(EnoughError):
        clock.tick()
    # Begun at 100, after step 2; over at 110, after six more.
    assert clock.images_per_s == pytest.approx(6 * 32 / 10)


@pytest.mark.parametrize("side", ["ours", "reference"])
def test_a_measurement_is_one_line_of_json(side):
    command = [sys.executable, "-m", "benchmarks.measure", side, "--model=baseline", "--device=cpu", "--threads=1"]
    command += ["--seconds=0", f"--started={time.time()}", "--precision=fp32"]  # which is not compiled on a CPU
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert all(measured[key] > 0 for key in ("images_per_s", "eval_images_per_s", "first_step_s"))
    assert 200 < measured["peak_mb"] < 20_000
    assert ("data_share" in measured) == (side == "ours")


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("CPU (x86_64, 2 threads)", "cpu"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA A100-SXM4-40GB", "a100"),
        ("NVIDIA H200", "h200"),
        ("Tesla T4", "tesla-t4"),
    ],
)
def test_results_are_named_after_the_device(device, name):
    assert result_file(device).name == f"{name}.json"


def test_models_that_are_not_measured_again_keep_their_rows(tmp_path):
    baseline, mha = ({"model": name, "precision": "bf16"} for name in ("baseline", "mha"))
    before = {"device": "CPU", "torch": "2.15", "batch_size": 128, "rows": [mha, baseline]}
    (tmp_path / "cpu.json").write_text(json.dumps(before), encoding="utf-8")
    again = before | {"rows": [baseline | {"ratio": 2}]}
    assert kept(tmp_path / "cpu.json", again) == [mha]
    assert kept(tmp_path / "cpu.json", before | {"rows": [baseline | {"precision": "fp32"}]}) == []
    assert kept(tmp_path / "cpu.json", again | {"torch": "2.16"}) == []
    assert kept(tmp_path / "none.json", again) == []


# ---- what is published


@pytest.mark.parametrize("name", ["speed", "operations", "launches", "parity"])
def test_the_published_table_is_made_of_the_results(name):
    assert shown(name) == getattr(table, name)() + "\n"


def test_the_readme_has_the_ratios_of_the_published_table():
    ratios = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in table.speed().splitlines()[2:]}
    assert shown("speed in short") == table.in_short() + "\n"
    for model, ratio in ratios.items():
        assert f"{ratio.removesuffix('x')} ({model})" in table.in_short()


def test_what_was_not_measured_is_a_dash(tmp_path, monkeypatch):
    row = {"model": "mha", "ratio": 5.04, "ours_peak_mb": 100, "reference_peak_mb": 400, "ours_images_per_s": 30}
    (tmp_path / "cpu.json").write_text(json.dumps({"rows": [row | {"floor_images_per_s": 60}]}), encoding="utf-8")
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    lines = table.speed().splitlines()
    assert re.split(r"\s*\|\s*", lines[4])[1:-1] == ["MHA", "5.0x", "0.25x", "50%", "–", "–"]
    assert re.split(r"\s*\|\s*", lines[2])[1:-1] == ["Baseline", "–", "–", "–", "–", "–"]


@pytest.mark.parametrize("device", ["h100", "tesla-t4"])
def test_every_gpu_that_was_measured_has_its_columns(device, tmp_path, monkeypatch):
    row = {"model": "mha", "ratio": 9.04, "ours_epoch_s": 1.234}
    (tmp_path / f"{device}.json").write_text(json.dumps({"rows": [row]}), encoding="utf-8")
    (tmp_path / "parity.json").write_text(json.dumps({"rows": []}), encoding="utf-8")
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    lines = table.speed().splitlines()
    assert f"{device.upper()}: an epoch" in lines[0]
    assert re.split(r"\s*\|\s*", lines[4])[-3:-1] == ["1.23 s", "9.0x"]


# ---- Snakemake's own cost


def test_the_cost_of_snakemake_is_measured_on_a_study_that_is_really_finished(monkeypatch, capsys):
    """It ends with an error where the finished study is not taken for finished."""
    monkeypatch.setattr(sys, "argv", ["dag", "--runs", "1"])
    dag.main()
    measured = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [name.partition(" of")[0] for name in measured] == ["dry run", "dry run", "rerun"]
    assert all(seconds > 0 for seconds in measured.values())


def test_cores_are_counted_where_a_process_cannot_be_bound_to_some_of_them(monkeypatch):
    """As on macOS."""
    assert cores.count() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores.count() == os.cpu_count()
