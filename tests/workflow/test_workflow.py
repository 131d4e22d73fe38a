"""The workflow itself: one real run of the whole study in small, and dry runs of what an edit would rebuild."""

import html
import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import example
from PIL import Image
from playwright.sync_api import sync_playwright
from tiny_study import SMALL, TRACKED, clone, edit_yaml, snakemake


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A copy of the project in which the tiny study has been run for real."""
    folder = clone(tmp_path_factory.mktemp("workflow") / "study")
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr[-6000:]
    (folder / "stderr.txt").write_text(done.stderr, encoding="utf-8")
    return folder


@pytest.fixture
def study(finished, tmp_path) -> Path:
    """A copy of the finished study, times of files included, to be edited."""
    return Path(shutil.copytree(finished, tmp_path / "study", copy_function=shutil.copy2))


def planned(folder: Path) -> set[str]:
    """What a dry run would do, such as ``{"Train digits/mha/full/seed10", "Make table3"}``; ``all`` aside."""
    done = snakemake(folder, "--dry-run")
    assert done.returncode == 0, done.stderr[-3000:]
    jobs = re.findall(r"^Job \d+: (.+?)(?:  \(log: .*)?$", done.stdout + done.stderr, flags=re.MULTILINE)
    assert jobs or "Nothing to be done" in done.stdout + done.stderr
    return set(jobs)


def append(folder: Path, file: str) -> None:
    """Change a source file's content without changing what it does."""
    with open(folder / file, "a", encoding="utf-8") as stream:
        stream.write("\n# edited\n")


def jobs(*models: str, split: str = "full", seeds: tuple[int, ...] = (10, 11), evaluated: bool = True) -> set[str]:
    """The training and evaluation of models."""
    runs = [f"digits/{model}/{split}/seed{seed}" for model in models for seed in seeds]
    return {f"Train {run}" for run in runs} | ({f"Evaluate {run}" for run in runs} if evaluated else set())


# The overview rests on what Tables 2 and 3 rest on.
TABLE2, TABLE3 = {"Make table2", "Make overview"}, {"Make table3", "Make overview"}
ATTENTION, PROMISES = {"Make attention"}, {"Make promises"}
TABLES = TABLE2 | TABLE3 | ATTENTION | PROMISES | {"Make table1"}
FIGURE1, FIGURE8, SEEDS, GRID = "Plot figure1", "Plot figure8", "Plot seeds", "Draw Grad-CAM grid: digits"
FIGURES = {FIGURE1, FIGURE8, SEEDS}
SHOWN = {FIGURE8, SEEDS, GRID}
"""What shows the models of Table 3 besides tables."""
CBAM = jobs("cbam-16") | jobs("cbam-16", split="tune") | TABLE2 | TABLE3 | ATTENTION | PROMISES | SHOWN
EVERYTHING = CBAM | jobs("baseline", "mha") | {FIGURE1}


# ---- the real run


def test_the_whole_study_runs_and_makes_every_product(finished):
    results = finished / "results"
    for table in ("table1", "table2", "table3", "attention", "promises"):
        for suffix in (".md", ".csv", ".tex", ".html", ".json"):
            assert (results / f"tables/{table}{suffix}").stat().st_size > 100
    for figure in ("figure1", "figure8", "seeds"):
        assert (results / f"figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (results / f"figures/{figure}.svg").read_text()
    assert (results / "gradcam/digits.png").read_bytes().startswith(b"\x89PNG")
    grid = json.loads((results / "gradcam/digits.json").read_text())
    assert [image["index"] for image in grid["images"]] == [0, 359]
    assert set(grid["models"]) == {"baseline", "mha", "cbam-16"}
    assert not list((results / "state").rglob("*.pt"))


def test_table3_holds_the_mean_over_the_evaluations_of_all_seeds(finished):
    table = pd.read_csv(finished / "results/tables/table3.csv").set_index("model")
    for model in ("baseline", "mha", "cbam-16"):
        accuracies = [
            json.loads((finished / f"results/runs/digits/{model}/full/seed{seed}/eval.json").read_text())["accuracy"]
            for seed in (10, 11)
        ]
        assert table.loc[model, "accuracy"] == pytest.approx(sum(accuracies) / 2, abs=1e-3)
        assert table.loc[model, "seeds"] == 2
        assert table.loc[model, "images"] == 360


def test_the_claims_compare_the_evaluations_and_curves_of_both_models(finished):
    claims = pd.read_csv(finished / "results/tables/promises.csv").set_index("claim")
    folders = {model: finished / f"results/runs/digits/{model}/full" for model in ("cbam-16", "baseline")}
    for model, column in (("cbam-16", "model_value"), ("baseline", "than_value")):
        reports = [json.loads((folders[model] / f"seed{seed}/eval.json").read_text()) for seed in (10, 11)]
        errors = [pd.read_csv(folders[model] / f"seed{seed}/history.csv")["test_error"][0] for seed in (10, 11)]
        assert claims.loc["better", column] == pytest.approx(
            sum(report["accuracy"] for report in reports) / 2, abs=1e-3
        )
        assert claims.loc["faster", column] == pytest.approx(sum(errors) / 2, abs=1e-3)
    assert (claims["seeds"] == 2).all()


def test_the_terminal_shows_the_table_and_where_to_look(finished):
    shown = (finished / "stderr.txt").read_text()
    assert (finished / "results/tables/table3.md").read_text() in shown
    assert "results/gradcam/" in shown


def test_the_terminal_shows_one_line_a_job(finished):
    jobs = (finished / "stderr.txt").read_text().partition("Job stats:")[2].partition("**")[0]
    shown = jobs.partition("\n\n")[2].strip().splitlines()
    pattern = r"\w+ \d\d:\d\d +(\d+)%  (.+?)(?:  \(log: (.+)\))?"
    lines = [re.fullmatch(pattern, line) for line in shown]
    assert None not in lines, shown
    assert sorted(line[2] for line in lines) == sorted([*EVERYTHING, "Make table1", "Prepare data: digits", "all"])
    done = [int(line[1]) for line in lines]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == 96  # 27 of 28
    logs = [line[3] for line in lines if line[2].startswith("Train")]
    assert len(logs) == 8
    assert all((finished / log).is_file() for log in logs)


def test_snakemakes_own_log_holds_the_reasons_and_times(finished):
    (log,) = (finished / ".snakemake/log").iterdir()
    text = log.read_text()
    assert re.search(r"Reason: Missing output files: .*results/runs/digits/mha/full/seed10/model\.pt", text)
    assert "28 of 28 steps (100%) done" in text


def test_the_results_go_into_mlflow_on_demand_and_once(study):
    pytest.importorskip("mlflow", reason="mlflow is not installed: pip install '.[mlflow]'")
    for expected in ("9 new, 0 replaced, 0 unchanged", "0 new, 0 replaced, 9 unchanged"):
        done = snakemake(study, "--", "mlflow")
        assert done.returncode == 0, done.stderr[-3000:]
        assert f"sqlite:///results/mlflow.db: {expected}" in done.stderr
    assert planned(study) == set()


def test_tuning_runs_are_judged_on_validation_images(finished):
    report = json.loads((finished / "results/runs/digits/cbam-16/tune/seed10/eval.json").read_text())
    assert (report["subset"], report["n"]) == ("validation", 300)
    history = pd.read_csv(finished / "results/runs/digits/cbam-16/tune/seed10/history.csv")
    assert history["validation_error"].notna().all()
    assert history["test_error"].isna().all()


# ---- what reruns


def test_what_decides_over_no_result_plans_nothing(study):
    """Dates of files; in the config the order of keys, comments, the machine, defaults; code that no step imports."""

    def reverse(node):
        if isinstance(node, dict):
            return {key: reverse(node[key]) for key in reversed(node)}
        return node

    machine = {"device": "auto", "downloads": "elsewhere", "mirrors": {"mnist": ["http://localhost/"]}}
    edit_yaml(study, lambda config: config.update(machine=machine), "tiny.yaml")
    options = {"heads": 8, "axis": "spatial", "positions": "none"}
    edit_yaml(study, lambda config: config["models"]["mha"]["attention"].update(options=options, stages=[1, 2, 3]))
    for file in ("config.yaml", "tiny.yaml"):
        edit_yaml(study, lambda config: config.update(reverse({key: config.pop(key) for key in list(config)})), file)
    append(study, "config.yaml")
    append(study, "cnntention/attention/selfatt.py")  # a block of no model here
    for module in ("study/config", "study/study", "workflow/progress", "__main__"):
        append(study, f"cnntention/{module}.py")
    later = time.time() + 60
    for name in TRACKED:
        for file in [study / name, *(study / name).rglob("*")]:
            os.utime(file, (later, later))
    assert planned(study) == set()


def test_a_learning_rate_plans_its_models_runs_and_what_hangs_on_them(study):
    edit_yaml(study, lambda config: config["recipes"]["adam-cbam"].update(lr=0.004))
    assert planned(study) == CBAM | {"Make table1"}


def test_two_swapped_values_of_a_recipe_plan_its_runs(study):
    # Snakemake compares the values of several parameters without their names, and so would miss this
    edit_yaml(study, lambda config: config["recipes"]["he2015"].update(lr=0.9, momentum=0.1))
    assert planned(study) == jobs("baseline") | TABLE3 | PROMISES | SHOWN | {"Make table1", FIGURE1}


def test_a_new_seed_plans_its_runs_and_the_aggregates(study):
    edit_yaml(study, lambda config: config.update(seeds=[10, 11, 12]), "tiny.yaml")
    new = jobs("baseline", "mha", "cbam-16", seeds=(12,)) | jobs("cbam-16", split="tune", seeds=(12,))
    assert planned(study) == new | TABLE2 | TABLE3 | ATTENTION | PROMISES | {FIGURE1, FIGURE8, SEEDS}


def test_a_new_model_plans_its_runs_and_the_tables_that_list_it(study):
    def add(config):
        config["models"]["selfatt"]["label"] = "Self-attention"
        config["tables"]["table3"]["models"].append("selfatt")

    edit_yaml(study, add, "config.yaml")
    edit_yaml(study, lambda config: config["tables"]["table3"]["models"].append("selfatt"), "tiny.yaml")
    assert planned(study) == jobs("selfatt") | TABLE3


def test_a_model_that_starts_from_another_hangs_on_its_runs(study):
    """A real edge: what trains the baseline anew trains what starts from it anew."""

    def add(config):
        start = {"model": "baseline", "train": "attention"}
        config["models"]["frozen"] = config["models"]["cbam-16"] | {"label": "Frozen", "start": start} | SMALL
        config["recipes"]["he2015"].update(lr=0.05)

    edit_yaml(study, add)
    edit_yaml(study, lambda config: config["tables"]["table3"]["models"].append("frozen"), "tiny.yaml")
    expected = jobs("frozen", "baseline") | TABLE3 | PROMISES | SHOWN | {"Make table1", FIGURE1}
    assert planned(study) == expected


def test_where_and_how_a_model_attends_plans_its_runs(study):
    change = {"placement": "block", "stages": [3], "options": {"axis": "channel"}}
    edit_yaml(study, lambda config: config["models"]["mha"]["attention"].update(change))
    assert planned(study) == jobs("mha") | TABLE3 | ATTENTION | SHOWN


def test_a_models_colour_and_a_figures_style_plan_the_figures_that_have_them(study):
    edit_yaml(study, lambda config: config["models"]["mha"].update(color="#123456"))
    edit_yaml(study, lambda config: config["figures"]["figure1"].update(style={"dpi": 90}))
    assert planned(study) == {FIGURE1, FIGURE8, SEEDS}


def test_another_length_of_the_schedule_plans_everything(study):
    edit_yaml(study, lambda config: config.update(epochs=2), "tiny.yaml")
    assert planned(study) == EVERYTHING | {"Make table1"}


def test_a_models_label_plans_the_products_that_show_it(study):
    edit_yaml(study, lambda config: config["models"]["mha"].update(label="Multi-head"))
    assert planned(study) == TABLE3 | ATTENTION | SHOWN | {"Make table1"}


def test_the_step_of_a_run_that_cannot_be_is_refused(study):
    edit_yaml(study, lambda config: config["recipes"]["he2015"].update(early_stopping={"patience": 2}))
    sections = ("tables", "figures", "gradcam")
    edit_yaml(study, lambda config: config.update({name: {"only": []} for name in sections}), "tiny.yaml")
    done = snakemake(study, "--dry-run", "--", "results/runs/digits/baseline/full/seed12/model.pt")
    assert done.returncode == 1
    assert "stops early on validation error, and split 'full' has no validation images" in done.stdout + done.stderr


def test_an_instrument_measures_and_trains_nothing(study):
    stanza = {"kind": "ablation", "caption": "Ablation", "datasets": ["digits"], "split": "full", "models": ["mha"]}
    edit_yaml(study, lambda config: config.update(instruments={"only": ["parts"], "parts": stanza}), "tiny.yaml")
    measured = {f"Measure parts of digits/mha/full/seed{seed}" for seed in (10, 11)}
    assert planned(study) == measured | {"Make the table of parts", "Draw the picture of parts", "Make overview"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["cnntention/attention/cbam.py"], CBAM),
        (["cnntention/training/training.py"], EVERYTHING),
        (["cnntention/reporting/tables/accuracy.py", "workflow_scripts/plot_figure.py"], TABLE2 | TABLE3 | FIGURES),
        (["cnntention/reporting/table.py", "cnntention/reporting/figures/curves.py"], TABLES | {FIGURE1, FIGURE8}),
        (["cnntention/reporting/captions.py"], (TABLES - {"Make table1"}) | FIGURES),
        (
            ["cnntention/reporting/overview.py", "cnntention/reporting/tables/claims.py"],
            {"Make overview"} | PROMISES,
        ),
        (["cnntention/reporting/draw_grid.py"], {GRID}),
    ],
    ids=lambda value: " ".join(Path(file).stem for file in value) if isinstance(value, list) else "",
)
def test_edited_source_files_plan_the_steps_that_import_them(study, files, expected):
    for file in files:
        append(study, file)
    assert planned(study) == expected


# ---- the report


@pytest.fixture(scope="session")
def report(finished, tmp_path_factory) -> Path:
    """The report of the finished study, made where no network can be reached."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        done = snakemake(finished, "--report", str(path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "downloading" not in done.stdout + done.stderr
    return path


@pytest.fixture(scope="module")
def browser():
    """A headless browser."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium to open the report in; Debian's package is chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(report, browser):
    """The report as it opens, without a network; afterwards nothing may have gone wrong in it."""
    # The window is lower than a grid, whose top must not be cut.
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 500})
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: problems.append(request.url[:200]))
    page.goto(report.as_uri())
    yield page
    assert problems == []
    context.close()


def show(page, category: str, label: str) -> None:
    """Click through to a result as a reader does."""
    page.get_by_text(category, exact=True).click()
    page.locator("tr", has_text=label).locator("a").first.click()


def test_the_report_opens_with_the_overview_beside_the_workflow(page):
    page.get_by_role("heading", name="Overview").wait_for()
    page.locator("#rulegraph .marks").wait_for()
    # two seeds: for each of two models a number with its interval
    cells = page.locator("#app td").all_inner_texts()
    assert sum(bool(re.fullmatch(r"[+-][\d.]+ \[[+-][\d.]+, [+-][\d.]+\]", cell)) for cell in cells) == 2


def test_the_report_shows_the_overview_by_itself(page):
    show(page, "1. Overview", "Overview")
    inside = page.frame_locator("iframe")
    inside.get_by_text("8 runs, those of the tables").wait_for()
    assert inside.get_by_text(f"torch {torch.__version__}").is_visible()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_report_shows_each_table(page, finished, number):
    show(page, "2. Tables", f"Table {number}: ")
    text = (finished / f"results/tables/table{number}.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    expected = [cell.strip() for line in lines for cell in line.strip("|").split("|")]
    inside = page.frame_locator("iframe")
    inside.locator("table").wait_for()
    assert inside.locator("th, td").all_inner_texts() == expected


@pytest.mark.parametrize(
    ("category", "label", "file"),
    [
        ("3. Figures", "Figure 1: ", "figures/figure1.png"),
        ("3. Figures", "Figure 8: Train and test error of the four models", "figures/figure8.png"),
        ("4. Grad-CAM", "Digits", "gradcam/digits.png"),
    ],
)
def test_the_report_shows_each_picture_as_it_is(page, finished, category, label, file):
    show(page, category, label)
    picture = page.locator("#app .h-screen img").last
    picture.wait_for()
    with Image.open(finished / "results" / file) as image:
        assert picture.evaluate("img => [img.naturalWidth, img.naturalHeight]") == list(image.size)
    assert picture.bounding_box()["y"] >= 0


def test_the_report_says_what_a_picture_is(page):
    page.get_by_text("3. Figures", exact=True).click()
    page.locator("tr", has_text="Figure 8: ").locator("a").last.click()
    page.locator("li.prose", has_text="train error and test error by epoch, mean over seeds 10, 11").wait_for()


def test_the_report_shows_how_long_each_step_took(page):
    page.get_by_text("Statistics", exact=True).click()
    page.locator("#runtimes .marks").wait_for()
    times = page.evaluate("runtimes_spec.data.values")
    assert {entry["rule"] for entry in times} == {
        "prepare_data",
        "train",
        "evaluate",
        "table",
        "figure",
        "grid",
        "overview",
    }
    assert all(entry["runtime"] > 0 for entry in times)


def test_a_label_may_hold_what_a_caption_takes_for_markup(study, tmp_path):
    title = "*Errors*_ of `models` <b> & |co|"
    edit_yaml(study, lambda config: config["figures"]["figure8"].update(title=title), "tiny.yaml")
    assert snakemake(study).returncode == 0
    done = snakemake(study, "--report", "report.html")
    assert done.returncode == 0, done.stderr[-3000:]
    text = (study / "report.html").read_text(encoding="utf-8")
    results = re.search(r"^ *var results = (\{.*\});$", text, flags=re.MULTILINE)
    figure = json.loads(results[1])["results/figures/figure8.png"]
    assert html.escape(title) in figure["caption"]
    assert figure["labels"] == {"Figure": f"Figure 8: {title}"}


def test_a_report_of_some_products_has_these(study):
    done = snakemake(study, "--report", "report.html", "--", "tables")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "2. Tables" in (study / "report.html").read_text(encoding="utf-8")


# ---- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config["recipes"]["he2015"].update(epcohs=3), "recipes.he2015: unknown key 'epcohs'"),
        (
            lambda config: config["recipes"]["he2015"].update(lr="1e-1"),
            "recipes.he2015.lr: a finite number is expected",
        ),
        (lambda config: config["models"]["mha"]["attention"].update(options={"heads": 3}), "heads: 3 does not divide"),
        (lambda config: config["tables"]["table3"].update(models=["resnet"]), "tables.table3.models: unknown name"),
    ],
)
def test_a_bad_config_ends_with_one_message(finished, tmp_path, change, message):
    folder = clone(tmp_path / "study")
    edit_yaml(folder, change)
    if "table3" in message:
        edit_yaml(folder, lambda config: config["tables"].pop("table3"), "tiny.yaml")
    done = snakemake(folder, "--dry-run")
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (folder / "results").exists()


def test_a_failed_step_ends_with_its_message_and_leaves_no_output(tmp_path):
    folder = clone(tmp_path / "study")
    # The diverging run fails after its data are prepared; the others go on.
    edit_yaml(folder, lambda config: config["recipes"]["he2015"].update(lr=100.0, batch_size=8))
    target = "results/runs/digits/baseline/full/seed10/model.pt"
    done = snakemake(folder, target)
    assert done.returncode == 1
    end = done.stderr[done.stderr.rindex("Failed:") :]
    assert "digits/baseline/full/seed10: the training loss became" in end
    before = done.stderr.partition("Failed:")[0]
    assert re.search(
        r"^\w+ \d\d:\d\d +50%  FAILED \(exit status 1\): Train digits/baseline/", before, flags=re.MULTILINE
    )
    assert "CalledProcessError" not in before
    assert "Traceback" not in done.stdout + done.stderr
    assert not (folder / target).exists()
    assert not (folder / target).with_name("history.csv").exists()


def test_a_results_folder_that_cannot_be_written_ends_with_one_message(tmp_path, disk):
    folder, small = clone(tmp_path / "study"), disk()
    (folder / "results").symlink_to(small.folder)
    small.make_read_only()
    done = snakemake(folder)
    assert done.returncode == 1
    # Which of its folders is made first is Snakemake's choice.
    assert re.search(r"Read-only file system: 'results/\w+'", done.stderr)
    assert "Traceback" not in done.stdout + done.stderr


# ---- one config and seed, one result


def test_a_run_that_is_done_again_gives_the_same_bits(study):
    run = study / "results/runs/digits/mha/full/seed10"
    figures = [study / f"results/figures/figure8.{suffix}" for suffix in ("png", "svg")]
    pictures = [figure.read_bytes() for figure in figures]
    before = shutil.copytree(run, study / "before")
    shutil.rmtree(run)
    for figure in figures:
        figure.unlink()
    done = snakemake(study, "--", "results/runs/digits/mha/full/seed10/eval.json", "results/figures/figure8.svg")
    assert done.returncode == 0, done.stderr[-3000:]
    assert [figure.read_bytes() for figure in figures] == pictures
    models = [torch.load(folder / "model.pt", weights_only=True)["state_dict"] for folder in (before, run)]
    assert all(torch.equal(value, models[1][name]) for name, value in models[0].items())
    reports = [json.loads((folder / "eval.json").read_text()) for folder in (before, run)]
    histories = [pd.read_csv(folder / "history.csv").drop(columns="seconds") for folder in (before, run)]
    assert reports[0]["training"].pop("seconds") != reports[1]["training"].pop("seconds")
    assert reports[0] == reports[1]
    assert histories[0].equals(histories[1])
    predictions = [np.load(folder / "predictions.npz") for folder in (before, run)]
    assert all(np.array_equal(predictions[0][name], predictions[1][name]) for name in predictions[0].files)


# ---- extending it, as docs/extending.md says


def test_a_block_of_ones_own_is_a_file_beside_the_config_and_a_stanza(study):
    """That of docs/extending.md, and a file that it imports: an edit of either trains its model anew, and no other."""
    (study / "sizes.py").write_text("KERNEL = 5\n", encoding="utf-8")
    (study / "strips.py").write_text("import sizes\n" + example("extending", "class Strips"), encoding="utf-8")
    attention = {"block": "strips.py:Strips", "residual": "plain", "options": {"kernel": 3}}
    stanza = {"label": "Strips", "color": "#a6761d", "recipe": "adam-cbam", "attention": attention} | SMALL
    edit_yaml(study, lambda config: config["models"].update(strips=stanza))
    edit_yaml(study, lambda config: config["tables"]["table3"]["models"].append("strips"), "tiny.yaml")
    edit_yaml(study, lambda config: config["gradcam"]["digits"]["models"].append("strips"), "tiny.yaml")
    assert planned(study) == jobs("strips") | TABLE3 | {GRID}
    done = snakemake(study)
    assert done.returncode == 0, done.stderr[-3000:]
    table = pd.read_csv(study / "results/tables/table3.csv").set_index("model")
    # for rows and for columns 3 weights and a bias a channel
    added = sum(2 * channels * (3 + 1) for channels in (16, 32, 64))
    assert table.loc["strips", "parameters"] == table.loc["baseline", "parameters"] + added
    assert planned(study) == set()
    ablation = {"datasets": ["digits"], "models": ["strips"], "images": 50}
    edit_yaml(study, lambda config: config["instruments"].update(only=["ablation"], ablation=ablation), "tiny.yaml")
    done = snakemake(study, "--", "results/instruments/ablation.md")
    assert done.returncode == 0, done.stderr[-3000:]
    left_out = pd.read_csv(study / "results/instruments/ablation.csv")["left out"].tolist()
    assert left_out[:5] == ["nothing", "all", "stage 1", "stage 2", "stage 3"]
    append(study, "sizes.py")
    measured = {f"Measure ablation of digits/strips/full/seed{seed}" for seed in (10, 11)}
    measured |= {"Make the table of ablation", "Draw the picture of ablation"}
    assert planned(study) == jobs("strips") | TABLE3 | {GRID} | measured


def test_a_new_dataset_is_one_entry(study):
    random = np.random.default_rng(0)
    images = {f"x_{part}": random.integers(0, 256, (40, 12, 12, 3), dtype=np.uint8) for part in ("train", "test")}
    labels = {f"y_{part}": np.arange(40) % 4 for part in ("train", "test")}
    np.savez(study / "leaves.npz", **images, **labels)
    entry = {"label": "Leaves", "source": "npz", "path": "leaves.npz", "image_size": 8, "augmentation": {"flip": True}}
    edit_yaml(study, lambda config: config["datasets"].update(leaves=entry))
    table = {"kind": "accuracy", "caption": "C", "datasets": ["leaves"], "split": "full", "models": ["baseline"]}

    def add(config):
        config["tables"]["ours"] = table | {"reference": "baseline"}
        config["tables"]["only"].append("ours")

    edit_yaml(study, add, "tiny.yaml")
    done = snakemake(study, "--", "results/tables/ours.md")
    assert done.returncode == 0, done.stderr[-3000:]
    assert pd.read_csv(study / "results/tables/ours.csv")["images"].tolist() == [40]
    np.savez(study / "leaves.npz", **images, **{name: 3 - values for name, values in labels.items()})
    assert planned(study) == {
        "Prepare data: leaves",
        *(f"{step} leaves/baseline/full/seed{seed}" for step in ("Train", "Evaluate") for seed in (10, 11)),
        "Make ours",
        "Make overview",
    }


def test_a_changed_or_new_picture_prepares_its_dataset_anew_and_a_touched_one_does_not(tmp_path):
    folder = clone(tmp_path / "study")
    paths = [folder / "leaves" / name / f"{number}.png" for name in ("oak", "lime") for number in range(4)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(path)
    entry = {"label": "Leaves", "source": "imagefolder", "path": "leaves"}
    edit_yaml(folder, lambda config: config["datasets"].update(leaves=entry))
    data = "results/data/leaves.npz"
    done = snakemake(folder, "--", data)
    assert done.returncode == 0, done.stderr[-3000:]

    def prepares() -> bool:
        return "Prepare data: leaves" in snakemake(folder, "--dry-run", "--", data).stdout

    paths[0].touch()
    assert not prepares()
    Image.new("L", (8, 8), 99).save(paths[0])
    assert prepares()
    Image.new("L", (8, 8), 0).save(paths[0])
    assert not prepares()
    Image.new("L", (8, 8), 5).save(folder / "leaves" / "oak" / "new.png")
    assert prepares()
