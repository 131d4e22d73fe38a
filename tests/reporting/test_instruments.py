"""From measurements to the table of an instrument."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import cells
from scipy import stats

from cnntention.base import layout, specs
from cnntention.base.errors import DataError
from cnntention.base.layout import Run
from cnntention.reporting.instruments import draw_picture, make_table, pictures, results
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.study.study import Study
from cnntention.training.specs import RunSpec


@pytest.fixture
def study(config) -> Study:
    """Of one instrument on two models and three seeds."""
    stanza = {"kind": "attention_maps", "caption": "Reach", "datasets": ["mnist"], "split": "full",
              "models": ["selfatt", "mha"], "images": 10}  # fmt: skip
    return Study(config | {"tables": {}, "figures": {}, "instruments": {"reach": stanza}})


def write(folder: Path, study: Study, model: str, seed: int, numbers: list[dict], **changes) -> Path:
    """A measurement as a step leaves it."""
    run = Run("mnist", model, "full", seed)
    report = {
        "instrument": specs.plain(study.instruments.measurement_spec("reach")),
        "spec": specs.plain(study.run_spec(run)),
        "images": 10,
        "device": "CPU",
        "numbers": numbers,
    }
    path = Path(run.path(layout.measurement("reach"), str(folder)))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path.with_suffix(".npz"), seen=np.arange(seed))
    path.with_suffix(".json").write_text(json.dumps(report | changes), encoding="utf-8")
    return path.with_suffix(".json")


def distance(value: float, half: float = 0.3, stage: int = 1) -> dict:
    """The number of a measurement with a symmetric interval."""
    of = {"stage": stage, "head": "1"}
    return {"name": "distance", "unit": "px", "value": value, "low": value - half, "high": value + half, "of": of}


def test_of_several_seeds_the_interval_is_over_seeds_and_images(study, tmp_path):
    for seed, value in zip((10, 11, 12), (5.0, 6.0, 7.0), strict=True):
        write(tmp_path, study, "selfatt", seed, [distance(value)])
    table = make_table(study.instruments.spec("reach"), str(tmp_path), str(tmp_path / "reach"))
    half = math.hypot(0.3, stats.t.ppf(0.975, 2) * 1 / math.sqrt(3))
    selfatt, mha = cells(table)
    assert selfatt == {
        "Dataset": "MNIST", "Model": "SelfAtt", "Stage": "1", "Head": "1",
        "Distance (px)": f"6 [{6 - half:.4g}, {6 + half:.4g}]", "Seeds": "3",
    }  # fmt: skip
    assert (mha["Model"], mha["Distance (px)"], mha["Seeds"]) == ("MHA", "–", "0 of 3, incomplete")
    assert table.notes[-1].startswith("INCOMPLETE: 1 of 2 rows")
    written = pd.read_csv(tmp_path / "reach.csv")
    assert written.loc[0, "distance_px_high"] == pytest.approx(6 + half, rel=1e-5)
    assert written.loc[0, "distance_px_std"] == 1


def test_of_one_seed_it_is_over_images(study, tmp_path):
    write(tmp_path, study, "mha", 11, [distance(5.0), distance(9.0, stage=2), distance(1.0, 0.0) | {"name": "own"}])
    found = cells(make_table(study.instruments.spec("reach"), str(tmp_path), str(tmp_path / "reach")))
    assert [row["Distance (px)"] for row in found] == ["–", "5 [4.7, 5.3]", "9 [8.7, 9.3]"]
    assert [row["Own (px)"] for row in found] == ["–", "1", "–"]
    assert found[1]["Seeds"] == "1 of 3, incomplete"


@pytest.mark.parametrize("part", ["instrument", "spec"])
def test_a_measurement_by_another_config_is_left_out(study, tmp_path, part):
    write(tmp_path, study, "mha", 10, [distance(5.0)])
    of_others = {
        "instrument": specs.plain(study.instruments.measurement_spec("reach")) | {"images": 11},
        "spec": specs.plain(study.run_spec(Run("mnist", "mha", "full", 10))) | {"depth": 32},
    }
    specs.read(RunSpec, of_others["spec"])
    write(tmp_path, study, "mha", 11, [distance(6.0)], **{part: of_others[part]})
    measured = results.read(str(tmp_path), study.instruments.spec("reach"))
    assert list(measured.numbers["seed"]) == [10]
    (run,) = measured.runs("full")
    assert measured.arrays(run)["seen"].tolist() == list(range(10))


def test_the_picture_has_a_mark_for_each_head_and_for_their_mean(study, tmp_path):
    heads = {"all": 6.0, "1": 5.0, "2": 7.0}
    numbers = [
        distance(value, stage=stage) | {"of": {"stage": stage, "head": head}}
        for stage in (1, 2)
        for head, value in heads.items()
    ]
    write(tmp_path, study, "mha", 10, numbers)
    spec = study.instruments.spec("reach")
    figure = pictures.load("attention_statistics").draw(spec, results.read(str(tmp_path), spec))
    panel = figure.axes[1]
    dots = sorted(height for collection in panel.collections for _, height in collection.get_offsets())
    assert [height for height in dots if height] == [5.0, 5.0, 7.0, 7.0]
    means = [line.get_ydata().tolist() for line in panel.lines if line.get_marker() == "o"]
    assert [height for of_stage in means for height in of_stage] == [6.0, 6.0]
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["SelfAtt (missing)", "MHA"]


def test_without_a_measurement_there_is_an_empty_picture(study, tmp_path):
    for path in draw_picture(study.instruments.spec("reach"), str(tmp_path), str(tmp_path / "reach")):
        assert Path(path).stat().st_size > 1000


@pytest.mark.parametrize("name", ["faithfulness", "sanity", "agreement"])
def test_so_there_is_of_maps_and_a_table_that_says_what_is_missing(config, tmp_path, name):
    spec = Study(config).instruments.spec(name)
    figure = pictures.load(spec.instrument.kind).draw(spec, results.read(str(tmp_path), spec))
    assert figure.get_suptitle() == spec.caption
    table = make_table(spec, str(tmp_path), str(tmp_path / name))
    assert {row["Seeds"] for row in cells(table)} == {f"0 of {len(spec.seeds)}, incomplete"}


def test_heads_of_a_stage_share_a_row_of_the_ablation(config, tmp_path):
    config = config | {
        "tables": {},
        "figures": {},
        "instruments": {"reach": config["instruments"]["ablation"] | {"datasets": ["mnist"]}},
    }
    study = Study(config)
    changes = {"all": -9.0, "stage 1": -2.0, "stage 1, head 1": -1.0, "stage 1, head 2": 0.5}
    number = {"name": "change", "unit": "points", "low": -9.0, "high": 1.0}
    write(
        tmp_path,
        study,
        "mha",
        10,
        [number | {"value": value, "of": {"left out": part}} for part, value in changes.items()],
    )
    spec = study.instruments.spec("reach")
    (panel,) = pictures.load("ablation").draw(spec, results.read(str(tmp_path), spec)).axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["all", "stage 1", "stage 1, one head"]
    (heads,) = (each for each in panel.collections if len(each.get_offsets()) == 2)
    assert [value for value, _ in heads.get_offsets()] == [-1.0, 0.5]


def test_maps_are_drawn_beside_their_image_a_model_and_head_a_column(config, tmp_path):
    stanza = config["instruments"]["attention-maps"] | {"datasets": ["mnist"], "images": [3, 4]}
    study = Study(config | {"tables": {}, "figures": {}, "instruments": {"reach": stanza}})
    weights = np.zeros((2, 1, 3, 4, 4))
    weights[..., 1, 2] = 0.5
    arrays = {
        "weights": weights,
        "places": np.array([[0, 0]]),
        "images": np.zeros((2, 8, 8, 1), np.uint8),
        "indices": [3, 4],
    }
    number = {"name": "largest weight", "unit": "%", "value": 50.0, "of": {"head": 1}}
    write(tmp_path, study, "mha", 11, [number])
    np.savez(write(tmp_path, study, "mha", 10, [number]).with_suffix(".npz"), **arrays)
    spec = study.instruments.spec("reach")
    figure = pictures.load("attention_maps").draw(spec, results.read(str(tmp_path), spec))
    assert [ax.get_title() for ax in figure.axes[:5]] == ["image", "SelfAtt", "MHA 1", "MHA 2", "MHA 3"]
    assert [text.get_text() for text in figure.axes[1].texts] == ["missing"]
    _, drawn = figure.axes[2].images
    assert drawn.get_array()[1, 2] == drawn.get_array().sum() == 1
    assert figure._suptitle.get_text().endswith("stage 1, seed 10")


def test_what_cbam_weighs_is_drawn_by_class_and_over_images(config, tmp_path):
    stanza = config["instruments"]["cbam-weights"] | {"datasets": ["mnist"], "split": "full"}
    study = Study(config | {"tables": {}, "figures": {}, "instruments": {"reach": stanza}})
    spread = [
        {"name": f"{what} between images", "unit": "", "value": 0.1 * stage, "of": {"stage": stage}}
        for what in ("channels", "positions")
        for stage in (1, 2, 3)
    ]
    arrays = {"images": np.zeros((1, 8, 8, 1), np.uint8)}
    for stage in (1, 2, 3):
        arrays[f"channels_{stage}"] = np.array([[0.9, 0.1], [np.nan, np.nan]])
        arrays[f"positions_{stage}"] = np.full((1, 4, 4), 0.5)
    np.savez(write(tmp_path, study, "cbam-16", 10, spread).with_suffix(".npz"), **arrays)
    spec = study.instruments.spec("reach")
    figure = pictures.load("cbam_weights").draw(spec, results.read(str(tmp_path), spec))
    assert [part._suptitle.get_text() for part in figure.subfigs[:-1]] == [
        "CBAM-8, MNIST: missing", "CBAM-16, MNIST, seed 10", "CBAM-32, MNIST: missing",
    ]  # fmt: skip
    channels, *_ = figure.subfigs[1].axes
    assert channels.images[0].get_array()[0].tolist() == [0.1, 0.9]  # in the order of their mean
    assert [line.get_ydata()[0] for line in figure.subfigs[-1].axes[0].lines] == pytest.approx([0.1, 0.2, 0.3])


def test_a_damaged_measurement_is_named(study, tmp_path):
    path = write(tmp_path, study, "mha", 10, [])
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"reach/mnist/mha/full/seed10.json: missing or damaged .* measure this run again"
    ):
        results.read(str(tmp_path), study.instruments.spec("reach"))


def test_a_spec_outlives_its_json(study):
    spec = study.instruments.spec("reach")
    assert specs.read(StanzaSpec, specs.canonical(spec)) == spec
    assert spec.instrument.images == 10
