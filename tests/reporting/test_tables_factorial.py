"""Tables of two factors: cells, main effects, and which factor a difference is due to."""

import numpy as np
import pytest
from made import evaluation, frame

from cnntention.base.errors import ConfigError
from cnntention.reporting.statistics.factorial import two_way
from cnntention.reporting.tables.factorial import KIND, FactorialSpec
from cnntention.study.study import Study

GRID = {"models": ["baseline", "selfatt"], "over": {"recipe": ["he2015", "adam-attention", "adam-cbam"]}}
TABLE = {"kind": "factorial", "caption": "Recipe by model", "grid": "both", "dataset": "cifar10", "split": "full"}


@pytest.fixture
def spec(config) -> FactorialSpec:
    config["seeds"] = [10, 11, 12]
    config |= {"grids": {"both": GRID}, "tables": {"both": dict(TABLE)}}
    return Study(config).tables.spec("both")


def accuracies() -> np.ndarray:
    """The second recipe adds two points, whatever the model; attention adds half a point under that one."""
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 3, 3))
    return 90 + np.array([[0, 2, 1], [0, 2.5, 1]])[:, :, None] + noise


def evaluated(spec: FactorialSpec, values: np.ndarray, without: tuple[str, int] | None = None):
    rows = [
        evaluation(model, seed, values[row, column, number])
        for row, models in enumerate(spec.models)
        for column, model in enumerate(models)
        for number, seed in enumerate(spec.seeds)
        if (model, seed) != without
    ]
    return frame(*rows)


def test_a_cell_is_the_model_that_the_grid_has_made(spec):
    assert spec.models == (
        ("baseline", "baseline-adam-attention", "baseline-adam-cbam"),
        ("selfatt-he2015", "selfatt", "selfatt-adam-cbam"),
    )
    assert spec.own == (0, 1)
    assert (spec.rows.name, spec.columns.name) == ("model", "recipe")


def test_a_table_shows_means_and_what_explains_them(spec):
    values = accuracies()
    table = KIND.build(spec, evaluated(spec, values))
    found = two_way(values)
    assert table.shown["adam-attention"].iloc[0] == f"{values[0, 1].mean():.2f} ± {values[0, 1].std(ddof=1):.2f}"
    assert list(table.shown.iloc[2])[2].startswith(f"{found.column_levels[1].effect:+.2f} [")
    sources = table.data.set_index("source")
    assert sources.loc["recipe", "share"] == pytest.approx(found.columns.share)
    assert sources.loc["recipe", "share"] > 0.8
    assert any(f"recipe {found.columns.share:.0%} (F(2, 10)" in note for note in table.notes)


def test_a_difference_between_models_as_they_are_is_split_in_the_recipes_and_the_models_part(spec):
    values = accuracies()
    (note,) = [note for note in KIND.build(spec, evaluated(spec, values)).notes if "of which" in note]
    total, of_recipe, of_model = (
        (ours - theirs).mean()
        for ours, theirs in (
            (values[1, 1], values[0, 0]),
            (values[0, 1], values[0, 0]),
            (values[1, 1], values[0, 1]),
        )
    )
    assert total == pytest.approx(of_recipe + of_model)
    assert note.startswith(f"SelfAtt (adam-attention) beside Baseline (he2015): {total:+.2f} [")
    assert f"{of_recipe:+.2f} [" in note
    assert f"{of_model:+.2f} [" in note


def test_only_seeds_that_all_cells_have_are_tested(spec):
    values = accuracies()
    table = KIND.build(spec, evaluated(spec, values, without=("selfatt", 11)))
    sources = table.data.set_index("source")
    assert sources.loc["recipe", "p"] == pytest.approx(two_way(values[:, :, [0, 2]]).columns.p)
    assert "Tested on the 2 seeds that all cells have." in table.notes
    assert any(note.startswith("INCOMPLETE: 1 of 6") for note in table.notes)


def test_without_runs_every_cell_is_missing(spec):
    table = KIND.build(spec, frame())
    assert set(table.shown["he2015"][:2]) == {"missing"}
    assert any("No analysis of variance" in note for note in table.notes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seeds": [10]}, "tables.both: an analysis of variance needs 2 seeds or more, and seeds has one"),
        ({"grids": {"both": GRID | {"models": ["mha"]}}}, "tables.both.grid: both varies recipe; two factors"),
        ({"grids": {}}, "tables.both.grid: unknown name 'both'"),
    ],
)
def test_a_grid_that_is_no_table_of_two_factors_is_refused(config, changes, line):
    with pytest.raises(ConfigError) as caught:
        Study(config | {"grids": {"both": GRID}, "tables": {"both": dict(TABLE)}} | changes)
    assert line in str(caught.value)
