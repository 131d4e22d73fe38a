"""Maps of several runs beside each other: they tell models apart, or they do not."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cnntention.base import layout, specs
from cnntention.reporting.instruments import make_table, pictures, results
from cnntention.reporting.instruments.comparisons.agreement import OTHER_SEED, Agreements, over_seeds
from cnntention.study.study import Study

IMAGES, SEEDS = 30, [10, 11, 12, 13]


@pytest.fixture
def study(config) -> Study:
    stanza = {"kind": "agreement", "caption": "Apart", "datasets": ["mnist"], "split": "full",
              "models": ["selfatt", "mha"], "images": IMAGES}  # fmt: skip
    config |= {"tables": {}, "figures": {}}
    return Study(config | {"seeds": SEEDS, "instruments": {"apart": stanza}})


def table(folder: Path, study: Study, own: dict[str, float]) -> pd.DataFrame:
    """Of runs whose maps have in common, in such parts, the image's, the model's, the seed's and nothing."""
    random = np.random.default_rng(0)
    size = (IMAGES, 6, 6)
    of_image, of_model, of_seed = (
        random.random(size), {name: random.random(size) for name in ("selfatt", "mha")},
        {seed: random.random(size) for seed in SEEDS},
    )  # fmt: skip
    for run in study.instruments.runs("apart"):
        maps = own["image"] * of_image + own["model"] * of_model[run.model] + own["seed"] * of_seed[run.seed]
        report = {
            "instrument": specs.plain(study.instruments.measurement_spec("apart")),
            "spec": specs.plain(study.run_spec(run)),
            "images": IMAGES,
            "numbers": [{"name": "agreement", "unit": "", "value": 0.1, "of": {"beside": "another image"}}],
        }
        path = Path(run.path(layout.measurement("apart"), str(folder)))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path.with_suffix(".npz"), maps=(maps + 0.3 * random.random(size)).astype(np.float16))
        path.with_suffix(".json").write_text(json.dumps(report), encoding="utf-8")
    return make_table(study.instruments.spec("apart"), str(folder), str(folder / "apart")).data.set_index(
        ["model", "beside"]
    )


def test_maps_that_depend_on_the_model_agree_more_between_its_seeds(study, tmp_path):
    found = table(tmp_path, study, {"image": 1.0, "model": 0.6, "seed": 0.0})
    lead = found.loc[("selfatt", "MHA")]
    assert lead["seeds'_lead_low"] > 0
    assert found.loc[("selfatt", OTHER_SEED), "agreement"] > lead["agreement"]
    assert lead["agreement"] == pytest.approx(found.loc[("mha", "SelfAtt"), "agreement"])
    assert (found.loc[("mha", "another image"), "agreement"], set(found["seeds"])) == (0.1, {4})


def test_maps_that_depend_on_the_seed_alone_do_not_and_what_a_seed_shares_is_not_counted(study, tmp_path):
    lead = table(tmp_path, study, {"image": 1.0, "model": 0.0, "seed": 0.6}).loc[("selfatt", "MHA")]
    assert lead["seeds'_lead_low"] < 0 < lead["seeds'_lead_high"]


def test_the_picture_has_what_the_table_has(study, tmp_path):
    found = table(tmp_path, study, {"image": 1.0, "model": 0.6, "seed": 0.0})
    spec = study.instruments.spec("apart")
    panel = pictures.load("agreement").draw(spec, results.read(str(tmp_path), spec)).axes[0]
    (image,) = panel.images
    columns = {"selfatt": (OTHER_SEED, "MHA", "another image"), "mha": ("SelfAtt", OTHER_SEED, "another image")}
    expected = [[found.loc[(model, beside), "agreement"] for beside in row] for model, row in columns.items()]
    np.testing.assert_allclose(image.get_array(), expected)


def test_runs_of_one_seed_are_compared_where_there_is_no_other():
    runs = [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    values = np.arange(16.0).reshape(4, 4, 1)
    both = Agreements(runs, values)
    assert both.between("a", "b") == pytest.approx([(values[0, 3, 0] + values[2, 1, 0]) / 2])
    assert both.between("a", "a") == pytest.approx([(values[0, 2, 0] + values[2, 0, 0]) / 2])
    single = both.without_each_seed()[0]
    assert single.between("a", "b") == pytest.approx([values[2, 3, 0]])
    assert single.between("a", "a") is None


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).random(6)
    without = [np.array([np.delete(values, place).mean()]) for place in range(6)]
    low, high = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert over_seeds(without) == pytest.approx((high - low) / 2)
    assert all(math.isnan(half) for half in (over_seeds(without[:2]), over_seeds([*without, None])))
    assert over_seeds([None]) == 0


def test_two_seeds_leave_no_interval(study, tmp_path):
    two = Study(study.config | {"seeds": SEEDS[:2]})
    found = table(tmp_path, two, {"image": 1.0, "model": 0.6, "seed": 0.0}).loc[("selfatt", "MHA")]
    assert found["seeds'_lead"] > 0
    assert math.isnan(found.get("seeds'_lead_low", math.nan))


def test_a_seed_that_neither_of_two_models_has_is_not_left_out_of_them():
    runs = [(model, seed) for model in "abc" for seed in (1, 2, 3)] + [("c", 4)]
    values = np.random.default_rng(0).random((10, 10, 1))
    both = Agreements(runs, values).of("a", "b")
    assert len(both.without_each_seed()) == 3
    assert both.between("a", "b") == Agreements(runs, values).between("a", "b")
