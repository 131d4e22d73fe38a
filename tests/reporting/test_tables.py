"""Tables, from hand-made evaluations to exact cells."""

import dataclasses
import html
import io
import math
import re

import numpy as np
import pandas as pd
import pytest
from made import DATASETS, MODELS, cells, evaluation, frame, runs
from made import accuracy_spec as spec
from scipy import stats

from cnntention.base import specs
from cnntention.base.errors import StatisticsError
from cnntention.reporting import tables
from cnntention.reporting.statistics.crossed import crossed_difference
from cnntention.reporting.statistics.variance import components, shares
from cnntention.reporting.table import Table
from cnntention.reporting.tables import accuracy
from cnntention.reporting.tables.recipes import RecipesSpec
from cnntention.study.study import Study

build = accuracy.KIND.build


def parsed(table: Table) -> list[dict]:
    return pd.read_csv(io.StringIO(table.csv())).to_dict("records")


# ---- complete tables


def test_the_cells_of_a_complete_table():
    """Differences to the baseline 2, 1, 2: mean 1.667 +- 4.3027 sqrt(1/3) / sqrt(3) = 1.434."""
    assert cells(build(spec(), frame(*runs()))) == [
        {
            "Dataset": "CIFAR-10",
            "Model": "Baseline",
            "Test accuracy (%)": "91.00 ± 1.00",
            "Paper (%)": "90.96",
            "Difference": "+0.04",
            "Δ to Baseline": "–",
            "over seeds and images": "–",
            "Verdict": "–",
            "Seeds": "3",
            "Images": "10,000",
            "Duration": "2.5 h",
            "Paper's duration": "3.7 h",
            "Parameters": "272,474",
        },
        {
            "Dataset": "CIFAR-10",
            "Model": "Attention",
            "Test accuracy (%)": "92.67 ± 1.15",
            "Paper (%)": "93.00",
            "Difference": "-0.33",
            "Δ to Baseline": "+1.67 [+0.23, +3.10]",
            "over seeds and images": "[+0.27, +3.09]",
            "Verdict": "better",
            "Seeds": "3",
            "Images": "10,000",
            "Duration": "2.5 h",
            "Paper's duration": "30 min",
            "Parameters": "1,727,962",
        },
    ]


def test_images_count_beside_seeds_and_pairing_is_measured():
    """The correlation of 90, 91, 92 with 92, 92, 94 is sqrt(3) / 2; the other numbers have oracles of their own."""
    rng = np.random.default_rng(0)
    right = {model: rng.random((3, 500)) < 0.9 for model in ("base", "att")}
    made = frame(*(row | {"right": right[row["model"]][row["seed"] - 10]} for row in runs()))
    base, att = build(spec(), made.sample(frac=1, random_state=0)).data.to_dict("records")
    interval = (att["to_reference_crossed_low"], att["to_reference_crossed_high"])
    assert interval == pytest.approx(crossed_difference(right["att"], right["base"])[1:])
    for row in (base, att):
        found = [row[f"share_{part}"] for part in ("seeds", "images", "residual")]
        assert found == pytest.approx(dataclasses.astuple(shares(components(right[row["model"]]), 3, 500)))
    assert att["correlation"] == pytest.approx(math.sqrt(3) / 2)
    assert math.isnan(base["correlation"])


def test_runs_that_were_judged_on_other_images_are_refused_by_name():
    made = frame(*(row | {"right": np.ones(90 if row["seed"] == 11 else 100, bool)} for row in runs()))
    with pytest.raises(StatisticsError, match=r"^table3: cifar10, base, seed 11: evaluated on other images"):
        build(spec(), made)


def test_the_notes_of_a_complete_table():
    notes = build(spec(), frame(*runs())).notes
    text = " ".join(notes)
    assert "Mean ± standard deviation over seeds 10, 11, 12" in text
    assert "Images: test images" in text
    assert "Δ to Baseline: mean over shared seeds with its 95% interval" in text
    assert "Trained for 182 epochs" in text
    assert "CPU (x86_64, 2 threads)" in text
    assert "INCOMPLETE" not in text


def test_rows_go_by_dataset_then_model_in_the_order_of_the_spec():
    rows = [*runs(), *(evaluation("att", seed, 99, "mnist") for seed in (10, 11, 12))]
    shown = cells(build(spec(datasets=DATASETS[::-1], models=MODELS[::-1]), frame(*rows)))
    assert [(row["Dataset"], row["Model"]) for row in shown] == [
        ("MNIST", "Attention"),
        ("MNIST", "Baseline"),
        ("CIFAR-10", "Attention"),
        ("CIFAR-10", "Baseline"),
    ]
    assert [row["Test accuracy (%)"] for row in shown] == ["99.00 ± 0.00", "missing", "92.67 ± 1.15", "91.00 ± 1.00"]


def test_datasets_do_not_mix():
    rows = [*runs(), *(evaluation(model, seed, 50, "mnist") for model in ("base", "att") for seed in (10, 11, 12))]
    shown = cells(build(spec(datasets=DATASETS), frame(*rows)))
    assert [row["Test accuracy (%)"] for row in shown] == [
        "91.00 ± 1.00",
        "92.67 ± 1.15",
        "50.00 ± 0.00",
        "50.00 ± 0.00",
    ]
    assert [row["Paper (%)"] for row in shown] == ["90.96", "93.00", "–", "–"]
    assert [row["Difference"] for row in shown] == ["+0.04", "-0.33", "–", "–"]


def test_the_order_of_the_runs_does_not_matter():
    table, reverse = build(spec(), frame(*runs())), build(spec(), frame(*runs()[::-1]))
    assert table.markdown() == reverse.markdown()
    assert table.csv() == reverse.csv()


def test_building_a_table_does_not_change_its_input():
    given, wanted = frame(*runs()), frame(*runs())
    build(spec(), given)
    pd.testing.assert_frame_equal(given, wanted)


def test_without_reference_there_is_no_comparison():
    table = build(spec(reference=None), frame(*runs()))
    assert not any("Δ" in name for name in table.shown.columns)
    assert "Δ" not in table.markdown()


def test_without_published_values_there_are_no_columns_for_them():
    table = build(spec(published={}), frame(*runs()))
    assert not {"Paper (%)", "Difference", "Paper's duration"} & set(table.shown.columns)
    assert {"Duration", "Parameters"} <= set(table.shown.columns)


def test_validation_accuracy_is_called_that():
    table = build(spec(split="tune"), frame(*runs()))
    assert "Validation accuracy (%)" in table.shown.columns
    assert "Images: validation images" in " ".join(table.notes)


def test_one_seed_has_no_spread_and_no_interval():
    table = build(spec(seeds=[10]), frame(*runs((90,), (91.5,))))
    assert [row["Test accuracy (%)"] for row in cells(table)] == ["90.00", "91.50"]
    assert [row["Δ to Baseline"] for row in cells(table)] == ["–", "+1.50"]
    assert [row["Seeds"] for row in cells(table)] == ["1", "1"]
    text = " ".join(table.notes)
    assert "One seed (10)" in text
    assert "±" not in text
    assert "nan" not in table.markdown().lower()


def one_each(**changes) -> list[dict]:
    """A network of each model: 8 images that the baseline alone has right, 20 that the other alone has."""
    ours, theirs = np.arange(1000) >= 8, (np.arange(1000) < 8) | (np.arange(1000) >= 28)
    return [
        evaluation(model, 10, 100 * right.mean(), n=1000, right=right, **changes)
        for model, right in (("base", theirs), ("att", ours))
    ]


def test_one_network_each_is_tested_on_the_same_images():
    table = build(spec(seeds=[10]), frame(*one_each()))
    (_, row), (_, shown) = table.data.to_dict("records"), cells(table)
    assert row["p_mcnemar"] == pytest.approx(stats.binomtest(8, 28).pvalue)
    assert row["to_reference"] == pytest.approx(1.2)
    assert 0 < row["to_reference_images_low"] < 1.2 < row["to_reference_images_high"]
    assert shown["McNemar's p"] == f"{stats.binomtest(8, 28).pvalue:.3f}"
    assert "two networks, not about their models" in " ".join(table.notes)
    assert not {"over images", "McNemar's p"} & set(build(spec(), frame(*runs())).shown.columns)


def test_networks_that_others_have_trained_are_said_to_be_theirs():
    none = dict.fromkeys(("seconds", "epochs", "device", "precision"))
    origin = {"path": "data/w.pth", "sha256": "0123456789abcdef" * 4, "trained": "by others", "source": None}
    table = build(spec(seeds=[10]), frame(*one_each(**none, imported=origin)))
    text = " ".join(table.notes)
    assert (
        "Imported, not trained here: base on cifar10 from data/w.pth, SHA-256 0123456789ab, trained by others" in text
    )
    assert "One network of each model" in text
    assert "Trained for" not in text
    assert "Duration" not in table.shown.columns
    ours, theirs = one_each()[0], one_each(**none, imported=origin)[1]
    assert "Trained for 182 epochs" in " ".join(build(spec(seeds=[10]), frame(ours, theirs)).notes)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(7.4, "7 s"), (119, "119 s"), (120, "2 min"), (1800, "30 min"), (3600, "1.0 h"), (13_320, "3.7 h")],
)
def test_durations_are_shown_in_a_unit_that_fits(seconds, shown):
    rows = [row | {"seconds": seconds} for row in runs()]
    assert cells(build(spec(), frame(*rows)))[0]["Duration"] == shown


def test_the_duration_is_the_mean_over_seeds():
    rows = [row | {"seconds": 3600.0 * (1 + position % 3)} for position, row in enumerate(runs())]
    table = build(spec(), frame(*rows))
    assert cells(table)[0]["Duration"] == "2.0 h"
    assert parsed(table)[0]["hours"] == pytest.approx(2)


def test_different_epochs_and_devices_are_named():
    rows = [
        row | {"epochs": epochs, "device": device}
        for row, epochs, device in zip(runs(), [9, 7, 9, 9, 12, 9], ["H100", "A100"] * 3, strict=True)
    ]
    text = " ".join(build(spec(), frame(*rows)).notes)
    assert "Trained for 7 to 12 epochs" in text
    assert "A100 in fp32, H100 in fp32" in text


# ---- incomplete tables


def test_a_row_without_runs_says_missing():
    table = build(spec(), frame(*runs(att=(None, None, None))))
    row = cells(table)[1]
    assert row["Test accuracy (%)"] == "missing"
    assert row["Seeds"] == "0 of 3, incomplete"
    assert row["Paper (%)"] == "93.00"
    assert (row["Difference"], row["Δ to Baseline"], row["Images"], row["Parameters"]) == ("–", "–", "–", "–")
    assert "INCOMPLETE: 1 of 2 rows lack runs of this config." in table.notes
    assert cells(table)[0]["Test accuracy (%)"] == "91.00 ± 1.00"


def test_a_row_without_all_its_runs_says_incomplete():
    """Seeds 10 and 12 are shared with the baseline: differences 2 and 3; t is 12.71."""
    table = build(spec(), frame(*runs(att=(92, None, 95))))
    row = cells(table)[1]
    assert row["Test accuracy (%)"] == "93.50 ± 2.12"
    assert row["Seeds"] == "2 of 3, incomplete"
    assert row["Δ to Baseline"] == "+2.50 [-3.85, +8.85]"
    assert cells(table)[0]["Seeds"] == "3"
    assert "INCOMPLETE: 1 of 2 rows lack runs of this config." in table.markdown()
    assert "INCOMPLETE" in table.latex()


def test_only_seeds_that_are_shared_are_compared():
    table = build(spec(), frame(*runs(base=(90, 91, None), att=(None, 92, 94))))
    assert cells(table)[1]["Δ to Baseline"] == "+1.00"  # seed 11 alone
    table = build(spec(), frame(*runs(base=(90, None, None), att=(None, 92, 94))))
    assert cells(table)[1]["Δ to Baseline"] == "–"


def test_a_table_without_any_run_is_made():
    table = build(spec(), frame())
    assert [row["Test accuracy (%)"] for row in cells(table)] == ["missing", "missing"]
    assert "INCOMPLETE: 2 of 2 rows lack runs of this config." in table.notes
    assert [row["seeds"] for row in parsed(table)] == [0, 0]
    assert "nan" not in table.markdown().lower()
    assert "nan" not in table.latex().lower()


# ---- CSV


def test_the_csv_holds_the_numbers():
    rows = parsed(build(spec(), frame(*runs())))
    base, att = rows
    assert (base["dataset"], base["model"], base["split"]) == ("cifar10", "base", "full")
    assert (base["accuracy"], base["accuracy_std"]) == pytest.approx((91, 1))
    assert (base["published"], base["difference"]) == pytest.approx((90.96, 0.04))
    assert (base["hours"], base["published_hours"]) == pytest.approx((2.5, 3.7))
    assert (base["seeds"], base["seeds_expected"], base["images"]) == (3, 3, 10_000)
    assert (base["parameters"], base["multiply_adds"]) == (272_474, 40_813_184)
    assert math.isnan(base["to_reference"])
    assert (base["shared_seeds"], att["shared_seeds"]) == (0, 3)
    assert att["accuracy"] == pytest.approx(92 + 2 / 3, rel=1e-5)
    assert att["to_reference"] == pytest.approx(5 / 3, rel=1e-5)
    assert (att["to_reference_low"], att["to_reference_high"]) == pytest.approx((0.23245, 3.10088), rel=1e-4)
    assert att["parameters"] == 1_727_962


def test_counts_in_the_csv_are_exact_when_a_row_is_missing_too():
    """One empty field turns a column to floats; the counts of the other rows must not lose digits by it."""
    base = parsed(build(spec(), frame(*runs(base=(None, None, None)))))[1]
    assert base["parameters"] == 1_727_962
    assert base["multiply_adds"] == 40_813_184
    text = build(spec(), frame(*runs(base=(None, None, None)))).csv()
    assert "1727962" in text
    assert "40813184" in text


def test_what_is_missing_is_empty_in_the_csv():
    base, att = parsed(build(spec(), frame(*runs(att=(None, None, None)))))
    empty = ("accuracy", "accuracy_std", "images", "difference", "to_reference", "hours", "parameters", "multiply_adds")
    assert all(math.isnan(att[name]) for name in empty)
    assert att["published"] == 93
    assert base["accuracy"] == 91
    assert "nan" not in build(spec(), frame()).csv().lower()


def test_the_csv_ends_lines_in_one_way():
    text = build(spec(), frame(*runs())).csv()
    assert "\r" not in text
    assert text.endswith("\n")
    assert len(text.splitlines()) == 3


# ---- Markdown


def test_the_markdown_is_a_table_between_caption_and_notes():
    table = build(spec(), frame(*runs()))
    lines = table.markdown().splitlines()
    assert lines[0] == "**Test accuracy**"
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert len({line.count("|") for line in rows}) == 1
    assert re.fullmatch(r"[|:-]+", rows[1].replace(" ", ""))
    assert [cell.strip() for cell in rows[2].strip("|").split("|")] == list(cells(table)[0].values())
    for note in table.notes:
        assert note in lines


def test_a_bar_in_a_label_does_not_break_the_markdown():
    models = [MODELS[0] | {"label": "a|b"}, MODELS[1]]
    text = build(spec(models=models), frame(*runs())).markdown()
    rows = [re.sub(r"\\\|", "", line) for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1


# ---- LaTeX


def assert_sound_latex(text: str, columns: int) -> None:
    """Environments and braces balance, special characters are escaped, and each line has all its cells."""
    assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)[::-1]
    bare = re.sub(r"\\label\{[^}]*\}|\\begin\{\w+\}(\{[lrc]+\})?|\\end\{\w+\}", "", text)
    bare = bare.replace(r"$\pm$", "").replace(r"$\Delta$", "")
    rows = [line for line in bare.splitlines() if line.rstrip().endswith(r"\\") and "&" in line]
    assert rows
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == columns - 1
    without_rows = "\n".join(line for line in bare.splitlines() if line not in rows)
    assert not re.search(r"(?<!\\)&", without_rows)
    assert not re.search(r"(?<!\\)[%#_$]", bare)
    assert not re.search(
        r"(?<!\\)\^(?!\{\})|~", re.sub(r"\\(\^|~)\{\}|\\text\w+(\{\})?|\\ensuremath\{.*?\}+", "", bare)
    )
    assert not re.search(r"[±–Δ—]", bare)
    assert all(ord(character) < 128 for character in bare)
    braces = re.sub(r"\\[{}]", "", text)
    assert braces.count("{") == braces.count("}")


@pytest.mark.parametrize("reference", [None, "base"])
@pytest.mark.parametrize("seeds", [[10], [10, 11, 12]])
@pytest.mark.parametrize("present", [True, False])
def test_the_latex_of_accuracies_is_sound(reference, seeds, present):
    table = build(spec(reference=reference, seeds=seeds), frame(*runs()) if present else frame())
    text = table.latex()
    assert_sound_latex(text, len(table.shown.columns))
    assert text.count(r"\begin{table}") == text.count(r"\begin{tabular}") == 1
    assert r"\caption{Test accuracy. " in text
    assert r"\label{tab:table3}" in text
    assert r"\toprule" in text
    if present and len(seeds) > 1:
        assert r"91.00 $\pm$ 1.00" in text


def test_the_latex_holds_every_cell_as_it_is_shown():
    """Numbers without a spread too: 90.00 stays 90.00."""
    table = build(spec(seeds=[10]), frame(*runs((90,), (91.5,))))
    text = table.latex()
    for cell in ("90.00", "91.50", "+1.50", "90.96", "272,474"):
        assert re.search(rf"&\s*{re.escape(cell)}\s*(&|\\\\)", text)
        assert re.search(rf"\|\s*{re.escape(cell)}\s*\|", table.markdown())


def test_special_characters_in_labels_are_escaped():
    models = [MODELS[0] | {"label": "R&D_1 #2 {x} $5 50% a^b ~c"}, MODELS[1]]
    table = build(spec(models=models, reference="att", datasets=[DATASETS[0] | {"label": "A_B & C"}]), frame(*runs()))
    text = table.latex()
    assert_sound_latex(text, len(table.shown.columns))
    assert r"R\&D\_1 \#2" in text


@pytest.mark.parametrize("caption", ["R&D_1 #2, 50%", "costs $5", "x^2", "a {set}", "a~b", r"back\slash", "± – Δ"])
def test_special_characters_in_captions_and_notes_are_escaped(caption):
    """Both come from the config: the caption itself, and the reference's label within the notes."""
    models = [MODELS[0] | {"label": caption}, MODELS[1]]
    text = build(spec(caption=caption, models=models), frame(*runs())).latex()
    if "\\" in caption:
        assert r"back\slash" not in text
    if "{" in caption:
        assert r"a {set}" not in text
    assert_sound_latex(text, 13)


# ---- HTML


def test_the_html_is_a_page_of_caption_table_and_notes():
    table = build(spec(caption="A < B"), frame(*runs()))
    text = table.html()
    assert "<h1>A &lt; B</h1>" in text
    shown = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", text.replace("<wbr>", ""))
    expected = [*table.shown.columns, *(cell for row in cells(table) for cell in row.values())]
    assert [html.unescape(cell).strip() for cell in shown] == expected
    for note in table.notes:
        assert f"<p>{html.escape(note)}</p>" in text


# ---- files


def test_a_table_is_written_in_each_format(tmp_path):
    table = build(spec(), frame(*runs()))
    table.write(str(tmp_path / "tables" / "table3"))
    names = ["table3.csv", "table3.html", "table3.json", "table3.md", "table3.tex"]
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == names
    assert (tmp_path / "tables" / "table3.md").read_text(encoding="utf-8") == table.markdown()
    assert (tmp_path / "tables" / "table3.csv").read_text(encoding="utf-8") == table.csv()
    assert (tmp_path / "tables" / "table3.tex").read_text(encoding="utf-8") == table.latex()
    assert (tmp_path / "tables" / "table3.html").read_text(encoding="utf-8") == table.html()


# ---- recipes

SGD = {
    "optimizer": "sgd",
    "lr": 0.1,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "batch_size": 128,
    "epochs": 182,
    "milestones": [91, 136],
    "gamma": 0.1,
    "early_stopping": None,
}
ADAM = {key: value for key, value in SGD.items() if key != "momentum"} | {"optimizer": "adam", "lr": 5e-4}


def recipes(used=SGD, published=None) -> Table:
    models = [MODELS[0] | {"recipe": used}, MODELS[1] | {"recipe": ADAM}]
    content = {"name": "table1", "kind": "recipes", "caption": "Recipes", "runs": {}, "models": models}
    return of_recipes(specs.read(RecipesSpec, content | {"published": {"base": published} if published else {}}))


def test_what_a_recipe_has_beside_the_paper_s_is_shown_where_it_has_it():
    cycle = {"kind": "onecycle", "warmup": 0.25, "anneal": "cos"}
    table = recipes(SGD | {"nesterov": True, "label_smoothing": 0.0, "schedule": cycle})
    assert [row["Nesterov"] for row in cells(table)] == ["yes", "–"]
    assert [row["Schedule"] for row in cells(table)] == ["onecycle, warmup 0.25, anneal cos", "–"]
    assert "Label smoothing" not in table.shown.columns


def of_recipes(wanted: RecipesSpec) -> Table:
    return tables.KINDS["recipes"].build(wanted, pd.DataFrame())


def test_the_cells_of_recipes():
    assert cells(recipes()) == [
        {
            "Model": "Baseline",
            "Optimiser": "SGD",
            "Learning rate": "0.1",
            "Momentum": "0.9",
            "Weight decay": "0.0001",
            "Batch size": "128",
            "Epochs": "182",
            "Milestones": "91, 136",
            "Gamma": "0.1",
            "Early stopping": "–",
        },
        {
            "Model": "Attention",
            "Optimiser": "Adam",
            "Learning rate": "0.0005",
            "Momentum": "–",
            "Weight decay": "0.0001",
            "Batch size": "128",
            "Epochs": "182",
            "Milestones": "91, 136",
            "Gamma": "0.1",
            "Early stopping": "–",
        },
    ]


def test_a_dataset_with_epochs_and_rates_of_its_own_is_named(config):
    config["datasets"]["mnist"] |= {"epochs": 5, "lr_factor": 0.25}
    notes = " ".join(of_recipes(Study(config).tables.spec("table1")).notes)
    assert "On MNIST: 5 epochs, the schedule in proportion." in notes
    assert "On MNIST: 0.25 times this learning rate." in notes
    assert "CIFAR" not in notes


def test_the_same_recipe_as_published_stands_once():
    table = recipes(published=SGD)
    assert cells(table)[0] == cells(recipes())[0]
    assert "paper:" not in table.markdown()


def test_what_differs_from_the_published_recipe_stands_beside_it():
    table = recipes(published=SGD | {"lr": 0.05, "epochs": 147, "milestones": [45, 91, 136]})
    row = cells(table)[0]
    assert row["Learning rate"] == "0.1 (paper: 0.05)"
    assert row["Epochs"] == "182 (paper: 147)"
    assert row["Milestones"] == "91, 136 (paper: 45, 91, 136)"
    assert table.markdown().count("(paper:") == 3
    assert "in brackets" in " ".join(table.notes)
    assert "(paper:" not in str(cells(table)[1])


def test_another_published_optimiser_stands_beside_it():
    row = cells(recipes(used=ADAM, published=SGD))[0]
    assert row["Optimiser"] == "Adam (paper: SGD)"
    assert row["Momentum"] == "– (paper: 0.9)"


def test_published_recipes_without_milestones_say_so():
    row = cells(recipes(published=SGD | {"milestones": []}))[0]
    assert row["Milestones"].startswith("91, 136 (paper: ")
    assert "(paper: )" not in row["Milestones"]


def test_early_stopping_is_shown():
    row = cells(recipes(used=SGD | {"early_stopping": {"patience": 20, "threshold": 0.001}}))[0]
    assert row["Early stopping"] == "patience 20, threshold 0.001"


def test_the_csv_of_recipes_holds_both_values():
    base, att = parsed(recipes(published=SGD | {"lr": 0.05}))
    assert (base["lr"], base["published_lr"]) == (0.1, 0.05)
    assert (base["batch_size"], base["published_batch_size"]) == (128, 128)
    assert base["milestones"] == "91, 136"
    assert att["lr"] == 0.0005
    assert math.isnan(att["momentum"])
    assert math.isnan(att["published_lr"])


@pytest.mark.parametrize("published", [None, SGD | {"lr": 0.05}])
def test_the_latex_of_recipes_is_sound(published):
    table = recipes(published=published)
    assert_sound_latex(table.latex(), 10)


def test_table1_of_the_study_differs_from_the_paper_in_early_stopping_alone(config):
    """The published runs of the other models stopped early, on the test error."""
    rows = cells(of_recipes(Study(config).tables.spec("table1")))
    patience = "– (paper: patience 20, threshold 0.001)"
    assert [row["Early stopping"] for row in rows] == ["–", patience, patience, patience]
    others = [{name: cell for name, cell in row.items() if name != "Early stopping"} for row in rows]
    assert "paper" not in str(others)


def test_what_the_paper_does_not_say_is_not_put_in_its_mouth(config):
    """A published recipe without milestones is one of which they are unknown, not one that has none."""
    published = config["tables"]["table1"]["published"]["baseline"]
    for key in ("milestones", "gamma", "weight_decay"):
        del published[key]
    config["recipes"]["he2015"]["gamma"] = 0.2
    row = cells(of_recipes(Study(config).tables.spec("table1")))[0]
    assert (row["Milestones"], row["Gamma"], row["Weight decay"]) == ("91, 136", "0.2", "0.0001")
