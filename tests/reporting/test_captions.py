"""What the report says of each product."""

import pytest

from cnntention.reporting import captions
from cnntention.study.study import Study


@pytest.fixture
def study(config) -> Study:
    return Study(config)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("table3", "Table 3: T"), ("figure10", "Figure 10: T"), ("ablation", "Ablation: T"), ("my-2nd", "My-2nd: T")],
)
def test_a_label_is_the_name_and_what_it_shows(name, shown):
    assert captions.label(name, "T") == shown


@pytest.mark.parametrize(
    ("caption", "shown"),
    [
        ("Accuracy (paper, Table 3)", "Accuracy"),
        ("Loss (a) and (b)", "Loss (a) and"),
        ("Error (%) by epoch", "Error (%) by epoch"),
        ("(all)", "(all)"),
    ],
)
def test_a_label_leaves_brackets_at_the_end_to_the_caption(caption, shown):
    assert captions.label("table3", caption) == f"Table 3: {shown}"


def test_the_caption_of_a_table_has_the_papers_numbers_in_the_order_of_the_table(study):
    text = study.tables.caption("table2")
    assert text.startswith("Validation accuracy of CBAM by reduction ratio (paper, Table 2). ")
    assert "mean over seeds 10, 11, 12" in text
    assert text.endswith("The paper's accuracy (%) on CIFAR-10: CBAM-8 90.66, CBAM-16 90.32, CBAM-32 89.94.")


def test_the_caption_of_a_table_of_recipes_has_no_seeds(study):
    text = study.tables.caption("table1")
    assert text.startswith("Hyperparameters of the runs")
    assert "seed" not in text


def test_the_caption_of_a_figure_turns_the_papers_accuracies_into_errors(study):
    text = study.figures.caption("figure1")
    assert "train error and test error by epoch, mean over seeds 10, 11, 12; the band" in text
    assert text.endswith("The paper's test error (%) on CIFAR-10: Baseline 9.04; on MNIST: Baseline 1.48.")


def test_a_figure_of_validation_error_takes_the_papers_validation_accuracy(config):
    config["figures"]["figure6"]["models"] = ["cbam-8", "cbam-16"]
    study = Study(config)
    text = study.figures.caption("figure6")
    assert text.endswith("The paper's validation error (%) on CIFAR-10: CBAM-8 9.34, CBAM-16 9.68.")


@pytest.mark.parametrize("change", [{"curves": ["train_loss"]}, {"models": ["selfatt-residual"]}])
def test_without_a_number_of_the_paper_nothing_is_said_of_it(config, change):
    config["figures"]["figure8"].update(change)
    study = Study(config)
    assert "paper" not in study.figures.caption("figure8")


def test_one_seed_has_no_mean_and_no_band(config):
    config["seeds"] = [10]
    study = Study(config)
    for text in (study.figures.caption("figure8"), study.tables.caption("table3")):
        assert "seed 10" in text
        assert "mean" not in text
        assert "band" not in text


def test_the_caption_of_a_grid_names_its_dataset_and_seed(study):
    assert "same test images of MNIST, seed 10" in study.gradcam.caption("mnist")


def test_the_papers_numbers_in_a_caption_come_from_all_tables_of_its_split(config):
    table = config["tables"]["table3"] | {"models": ["baseline", "cbam-8"]}
    config["tables"]["more"] = table | {"published": {"cifar10": {"cbam-8": {"accuracy": 90.0}}}}
    config["figures"]["figure8"]["models"] = ["cbam-8", "mha"]
    assert (
        Study(config)
        .figures.caption("figure8")
        .endswith("The paper's test error (%) on CIFAR-10: CBAM-8 10.00, MHA 8.94.")
    )
