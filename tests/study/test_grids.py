"""Grids: the models that a stanza stands for are those that somebody would have written out."""

import pytest

from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.base.specs import plain
from cnntention.reporting.cells import cells
from cnntention.study.study import Study


def with_grid(config: dict, models: list[str], over: dict, shown: str = "sweep") -> dict:
    """The config with a grid named sweep, and a table of what is shown."""
    config["grids"] = {"sweep": {"models": models, "over": over}}
    config["tables"]["table2"] |= {"models": [shown], "reference": None}
    return config


def test_a_model_of_a_grid_is_trained_as_one_written_out(config):
    written = {"attention": {"block": "mha", "residual": "weighted", "options": {"heads": 4}}, "depth": 32}
    config["models"]["by-hand"] = config["models"]["mha"] | written | {"label": "By hand"}
    study = Study(with_grid(config, ["mha"], {"depth": [32], "attention.options.heads": [4]}))
    made, by_hand = (
        plain(study.run_spec(Run("cifar10", model, "tune", 10))) for model in ("mha-heads4-depth32", "by-hand")
    )
    assert made == by_hand | {"model": "mha-heads4-depth32"}
    assert study.config["models"]["mha-heads4-depth32"]["label"] == "MHA, heads 4, depth 32"


@pytest.mark.parametrize(
    ("over", "names"),
    [
        ({"depth": [20, 32]}, ["baseline", "baseline-depth32"]),
        ({"widths": [[15, 32, 67]]}, ["baseline-widths15-32-67"]),
        ({"recipe": ["adam-cbam", "he2015"]}, ["baseline-adam-cbam", "baseline"]),
        ({"recipe.nesterov": [False, True]}, ["baseline", "baseline-nesterov"]),
        ({"recipe.epochs": [20], "depth": [8, 14]}, ["baseline-depth8-epochs20", "baseline-depth14-epochs20"]),
        ({"recipe.lr": [1.0e-3]}, ["baseline-lr0.001"]),
    ],
    ids=str,
)
def test_names_are_made_from_values_and_a_model_that_is_there_is_not_made_again(config, over, names):
    study = Study(with_grid(config, ["baseline"], over))
    assert study.config["tables"]["table2"]["models"] == names
    assert [cell.model for cell in cells(study.config["grids"]["sweep"])] == names
    assert {run.model for run in study.tables.runs("table2")} == set(names)


def test_the_order_of_keys_in_the_yaml_changes_no_name(config):
    over = {"recipe.epochs": [20], "depth": [8]}
    one = Study(with_grid(config, ["baseline"], over)).config
    other = Study(with_grid(config, ["baseline"], dict(reversed(over.items())))).config
    assert one == other


def test_a_variant_of_a_recipe_is_one_of_its_own(config):
    study = Study(with_grid(config, ["cbam-16"], {"recipe.epochs": [20], "recipe.lr": [0.01]}))
    assert study.recipe("cbam-16-epochs20-lr0.01") == study.config["recipes"]["adam-cbam"] | {
        "epochs": 20,
        "lr": 0.01,
        "milestones": [5, 10, 15],  # of 182: 45, 91 and 136, rounded up
    }
    assert study.recipe("cbam-16")["epochs"] == 182


def test_shades_of_a_colour_are_all_different_and_the_models_own_stays(config):
    study = Study(with_grid(config, ["selfatt", "mha"], {"depth": [8, 14, 20, 26, 32]}))
    colors = {cell.model: study.config["models"][cell.model]["color"] for cell in cells(study.config["grids"]["sweep"])}
    assert colors["selfatt"] == "#0072b2"
    assert len(set(colors.values())) == 10


@pytest.mark.parametrize(
    ("models", "over", "line"),
    [
        (["mhh"], {"depth": [8]}, "grids.sweep.models: unknown name 'mhh'; did you mean 'mha'?"),
        (["mha"], {"depht": [8]}, "models.mha-depht8: unknown key 'depht'; did you mean 'depth'?"),
        (["mha"], {"depth": [9]}, "models.mha-depth9.depth: 9 is not 6n+2"),
        (["mha"], {"attention.options.heads": [3]}, "models.mha-heads3.attention.options.heads: 3 does not divide"),
        (["baseline"], {"attention.options.heads": [3]}, "grids.sweep.over.attention.options.heads: models.baseline"),
        (["mha"], {"recipe": ["adam"]}, "grids.sweep.over.recipe: unknown name 'adam'"),
        (["mha"], {"recipe.epochs": ["long"]}, "recipes.adam-attention-long.epochs: a whole number is expected"),
        (
            ["mha"],
            {"recipe.schedule.warmup": [0.1]},
            "grids.sweep.over.recipe.schedule.warmup: recipes.adam-attention has",
        ),
        (
            ["mha"],
            {"recipe": ["he2015"], "recipe.schedule.warmup": [0.1]},
            "grids.sweep.over.recipe.schedule.warmup: recipes.he2015 has no schedule",
        ),
        (["cbam-16"], {"depth": [8]}, "grids.sweep: makes a model 'cbam-16-depth8', but there is another one"),
    ],
)
def test_what_cannot_be_made_is_refused_by_key(config, models, over, line):
    config["models"]["cbam-16-depth8"] = config["models"]["cbam-16"] | {"label": "Other"}
    with pytest.raises(ConfigError) as caught:
        Study(with_grid(config, models, over))
    assert f"\n  {line}" in str(caught.value)


def test_epochs_of_the_whole_config_leave_nothing_to_vary(config):
    config["epochs"] = 8
    with pytest.raises(ConfigError, match=r"grids\.sweep\.over\.recipe\.epochs: changes nothing beside epochs: 8"):
        Study(with_grid(config, ["mha"], {"recipe.epochs": [5, 10]}))


def test_epochs_of_a_dataset_leave_nothing_to_vary_on_it(config):
    config["datasets"]["cifar10"]["epochs"] = 5
    message = r"tables\.table2\.models: the epochs of models\.mha-epochs10 are changed by datasets\.cifar10\.epochs"
    with pytest.raises(ConfigError, match=message):
        Study(with_grid(config, ["mha"], {"recipe.epochs": [182, 10]}))
    config["datasets"] |= {"cifar10": config["datasets"]["cifar10"] | {"epochs": None}}
    assert Study(config).recipe("mha-epochs10", "cifar10")["epochs"] == 10


def test_milestones_of_a_short_variant_may_meet(config):
    """As those of ``epochs: 3`` do: of 91 and 115 of 182 epochs. Those of a recipe of one's own in a grid may not."""
    study = Study(with_grid(config, ["mha"], {"recipe.epochs": [3]}))
    assert study.recipe("mha-epochs3")["milestones"] == [2, 2]
    config["recipes"]["adam-cbam"]["milestones"] = [45, 45]
    with pytest.raises(ConfigError, match=r"recipes\.adam-cbam\.milestones: must ascend"):
        Study(with_grid(config, ["mha"], {"recipe": ["adam-cbam"]}))
