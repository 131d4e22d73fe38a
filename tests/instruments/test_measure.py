"""The contract of instruments, and the step from a checkpoint to what an instrument says of it."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import example
from run_specs import SELFATT, run_spec
from scipy import stats
from test_dataset import separable, write_prepared

from cnntention.base import specs
from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError, DataError
from cnntention.base.layout import DataFiles
from cnntention.data import dataset
from cnntention.data.dataset import Part
from cnntention.instruments.contract import Number
from cnntention.instruments.measure import choose, measure
from cnntention.instruments.specs import InstrumentSpec
from cnntention.training import checkpoint

torch.set_num_threads(1)

ON_CPU = Machine("cpu", threads=1, compile="off")
ABLATION = InstrumentSpec("ablation", 25, None, {"heads": True})


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable(test=40))


def saved(folder: Path, paths: tuple[Path, Path], **changes) -> Path:
    """A checkpoint of an untrained model that counts as trained on the prepared data."""
    spec = run_spec(**changes)
    torch.manual_seed(0)
    model = checkpoint.build(spec, 1, 3)
    checkpoint.save(folder / "model.pt", model, spec, ["0", "1", "2"], dataset.load(*paths).sha256, {})
    return folder / "model.pt"


@pytest.mark.parametrize("images", [2, 3, 50])
def test_a_mean_over_images_has_students_interval(images):
    values = np.random.default_rng(0).normal(size=images)
    number = Number.over_images("x", "", values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (number.low, number.high) == pytest.approx((expected.low, expected.high))
    assert number.spread == pytest.approx(values.std(ddof=1))
    assert Number.over_images("x", "", [2.0]) == Number("x", "", 2.0)


def test_the_example_of_the_docs_measures_what_it_says():
    """Answers of 80, 15 and 5%, and of 40, 40 and 20%: margins of 65 and 0 points."""
    names: dict = {}
    exec(example("extending", "def measure"), names)
    logits = torch.tensor([[0.8, 0.15, 0.05], [0.4, 0.2, 0.4]]).log()
    (number,) = names["measure"](SimpleNamespace(logits=lambda: logits)).numbers
    assert (number.name, number.unit, number.value) == ("margin", "points", pytest.approx(32.5, abs=1e-4))


@pytest.mark.parametrize("hits", [0, 3, 20])
def test_a_share_has_wilsons_interval(hits):
    number = Number.share("x", np.arange(20) < hits)
    expected = stats.binomtest(hits, 20).proportion_ci(0.95, "wilson")
    assert number.value == 5 * hits
    assert (number.low, number.high) == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-4)
    assert 0 <= number.low <= number.high <= 100


@pytest.mark.parametrize(("held_out", "subset"), [(0, "test"), (30, "validation")])
def test_a_measurement_says_of_what_it_is(paths, tmp_path, held_out, subset):
    model = saved(tmp_path, paths, attention=SELFATT, validation_images=held_out)
    found = measure(ABLATION, model, DataFiles(*paths), tmp_path / "of/seed10", ON_CPU)
    report = json.loads((tmp_path / "of/seed10.json").read_text(encoding="utf-8"))
    assert (report["subset"], report["images"]) == (subset, 25)
    assert specs.read(InstrumentSpec, report["instrument"]) == ABLATION
    assert report["spec"] == specs.plain(run_spec(attention=SELFATT, validation_images=held_out))
    assert [Number(**number) for number in report["numbers"]] == found.numbers
    assert dict(np.load(tmp_path / "of/seed10.npz")) == {}


def test_images_are_the_same_for_every_run_and_in_their_order():
    part = Part(torch.arange(30, dtype=torch.uint8).view(30, 1, 1, 1), torch.arange(30))
    few, which = choose(part, ABLATION, "data")
    assert few.labels.tolist() == few.images.flatten().tolist() == which.tolist() == sorted(set(which.tolist()))
    assert len(few) == 25
    torch.testing.assert_close(choose(part, ABLATION, "data")[0].labels, few.labels)
    listed = InstrumentSpec("ablation", None, (7, 3), {})
    assert choose(part, listed, "data")[0].labels.tolist() == [7, 3]
    assert len(choose(part, InstrumentSpec("ablation", None, None, {}), "data")[0]) == 30


def test_more_images_than_there_are_are_refused(paths, tmp_path):
    model = saved(tmp_path, paths, attention=SELFATT)
    for spec in (InstrumentSpec("ablation", 41, None, {}), InstrumentSpec("ablation", None, (40,), {})):
        with pytest.raises(
            DataError, match=r"data.npz: test has 40 images, and ablation is to look at 4[01] \(images\)"
        ):
            measure(spec, model, DataFiles(*paths), tmp_path / "x", ON_CPU)
    assert not (tmp_path / "x.json").exists()


def test_a_model_of_other_data_is_refused(paths, tmp_path):
    other = write_prepared(tmp_path / "other", separable(test=40, seed=1))
    with pytest.raises(CheckpointError, match="trained on data that differ"):
        measure(ABLATION, saved(tmp_path, paths), DataFiles(*other), tmp_path / "x", ON_CPU)
