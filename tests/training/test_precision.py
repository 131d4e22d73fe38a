"""Which number format is chosen, and that it is the one that the forward pass computes in."""

from pathlib import Path

import pytest
import torch
from run_specs import SELFATT, run, run_spec, trained
from test_dataset import separable, write_prepared

from cnntention.base.errors import DeviceError
from cnntention.data.dataset import Dataset, load
from cnntention.training import precision

CPU, CUDA, MPS = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))
ZEN4 = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16 avx512_vnni\n"
ZEN3 = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2\n"
COOPER_LAKE = "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16\n"
SAPPHIRE_RAPIDS = "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile\n"


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """Call it with what /proc/cpuinfo says; None where there is no such file."""

    def says(facts: str | None):
        monkeypatch.setattr(precision, "CPU_FACTS", tmp_path / "cpuinfo")
        if facts is not None:
            (tmp_path / "cpuinfo").write_text(facts, encoding="utf-8")

    return says


@pytest.fixture
def gpu(monkeypatch):
    """Call it with the compute capability of a GPU."""

    def has(*capability: int):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)

    return has


@pytest.mark.parametrize(
    ("facts", "expected"),
    [(ZEN4, "bf16"), (ZEN3, "fp32"), (COOPER_LAKE, "fp32"), (SAPPHIRE_RAPIDS, "bf16"), ("", "fp32"), (None, "fp32")],
    ids=["zen 4", "zen 3", "cooper lake", "sapphire rapids", "empty", "no linux"],
)
def test_auto_on_a_cpu_goes_by_its_instructions(cpu, facts, expected):
    cpu(facts)
    assert precision.choose("auto", CPU).name == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_auto_on_a_gpu_goes_by_its_generation(gpu, capability, expected):
    gpu(*capability)
    assert precision.choose("auto", CUDA).name == expected


def test_auto_elsewhere_is_fp32():
    assert precision.choose("auto", MPS).name == "fp32"


@pytest.mark.parametrize("name", ["fp32", "bf16"])
@pytest.mark.parametrize("facts", [ZEN3, ZEN4])
def test_what_is_asked_for_is_taken_on_any_cpu(cpu, facts, name):
    cpu(facts)
    chosen = precision.choose(name, CPU)
    assert (chosen.name, chosen.reason) == (name, f"precision is {name}")


@pytest.mark.parametrize("device", [CUDA, MPS])
def test_bf16_is_refused_where_it_cannot_be(gpu, device):
    gpu(7, 5)
    with pytest.raises(DeviceError, match="set precision to auto or fp32"):
        precision.choose("bf16", device)


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("data"), separable())


@pytest.fixture(scope="module")
def data(paths) -> Dataset:
    return load(*paths)


def losses(data: Dataset, name: str, seed: int = 10) -> list[float]:
    spec = run_spec({"epochs": 6}, precision=name, attention=SELFATT, seed=seed)
    return [row["train_loss"] for row in trained(spec, data).rows]


def test_each_format_gives_its_own_bits_again(data):
    first, again = losses(data, "bf16"), losses(data, "bf16")
    assert first == again != losses(data, "fp32")


def test_bf16_rounds_and_learns_alike(data):
    """Formats differ by less than seeds do."""
    by_format = [losses(data, name)[-1] for name in ("fp32", "bf16")]
    by_seed = [losses(data, "fp32", seed)[-1] for seed in (11, 12, 13)]
    assert abs(by_format[0] - by_format[1]) < max(by_seed + by_format[:1]) - min(by_seed + by_format[:1])


def test_weights_stay_in_fp32(data):
    model = trained(run_spec({"epochs": 1}, precision="bf16"), data).model
    assert {value.dtype for value in model.state_dict().values()} == {torch.float32, torch.int64}


def test_the_log_says_what_was_chosen_and_why(paths, tmp_path):
    lines: list[str] = []
    run(tmp_path, paths, run_spec({"epochs": 1}, precision="fp32"), lines.append)
    assert "precision  fp32: precision is fp32" in lines
    assert "attention  torch: the model has no dot-product attention" in lines
    assert (
        "compile    off: machine.compile is auto, and fp32 on a CPU is to give the same bits with any compiler" in lines
    )
