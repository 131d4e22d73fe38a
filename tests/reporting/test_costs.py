"""What models cost, from files of runs and measurements to a table and a figure."""

import json
from pathlib import Path

import pandas as pd
import pytest
from made import cells, frame, write_evaluation, write_history, write_predictions

from cnntention.base import layout, specs
from cnntention.base.errors import ConfigError
from cnntention.data.card import Card
from cnntention.reporting import costs
from cnntention.reporting.figures.pareto import KIND as PARETO
from cnntention.reporting.tables.cost import KIND as TABLE
from cnntention.study.study import Study

OF = {"datasets": ["cifar10"], "split": "tune", "models": ["baseline", "mha"]}


@pytest.fixture
def study(config) -> Study:
    latency = {"kind": "latency", "caption": "Latency", **OF}
    cost = {"kind": "cost", "caption": "Costs", "latency": "latency", **OF}
    pareto = {"kind": "pareto", "title": "Costs", "latency": "latency", "costs": ["parameters", "latency"], **OF}
    changes = {"tables": {"cost": cost}, "figures": {"cost": pareto}, "instruments": {"latency": latency}}
    return Study(config | changes | {"seeds": [10, 11]})


def write(folder: Path, study: Study) -> None:
    """Two runs of each model, of which the second of MHA is not measured."""
    card = Card("here", (32, 32, 3), ("a", "b"), {"train": 50_000, "test": 10_000}, {}, (0.5,), (0.5,), "0" * 64)
    card.write(layout.CARD.format(results=folder, dataset="cifar10"))
    for run in study.tables.runs("cost"):
        own = specs.plain(study.run_spec(run))
        write_evaluation(folder, run, own, 90.0 + run.seed, parameters=1000 if run.model == "mha" else 2000)
        write_history(folder, run, [30.0, 20.0, 10.0])
        write_predictions(folder, run, 3)
        if (run.model, run.seed) == ("mha", 11):
            continue
        numbers = [
            {"name": name, "unit": "", "value": value * batch, "of": {"batch": batch}}
            for batch in (1, 128)
            for name, value in {"latency": run.seed, "throughput": 5.0, "memory": 2.0}.items()
        ]
        report = {
            "instrument": specs.plain(study.instruments.measurement_spec("latency")),
            "spec": own,
            "images": 1,
            "device": "a laptop",
            "numbers": numbers,
        }
        path = Path(run.path(layout.measurement("latency"), str(folder)) + ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report), encoding="utf-8")


def test_the_cells(study, tmp_path):
    """Three epochs of two seconds on 45,000 images."""
    write(tmp_path, study)
    spec = study.tables.spec("cost")
    table = TABLE.build(spec, TABLE.read(str(tmp_path), spec))
    baseline, mha = cells(table)
    assert baseline == {
        "Dataset": "CIFAR-10",
        "Model": "Baseline",
        "Parameters": "2,000",
        "Multiply-adds (M)": "40.8",
        "Validation accuracy (%)": "100.50 ± 0.71",
        "Training (images/s)": "22,500",
        "Latency, one image (ms)": "10.5",
        "Latency, 128 images (ms)": "1.34e+03",
        "Throughput, 128 images (images/s)": "640",
        "Memory, 128 images (MB)": "256",
        "Seeds": "2",
    }
    assert mha["Latency, one image (ms)"] == "10"  # of the seed that is measured
    assert any("fp32 on a laptop" in note for note in table.notes)


def test_without_runs_and_without_measurements_there_is_a_table(study):
    spec = study.tables.spec("cost")
    table = TABLE.build(spec, frame().assign(training_s=[], measured_on=[], **{key: [] for key in _measured()}))
    assert list(cells(table)[0])[-1] == "Seeds"
    assert "Training (images/s)" not in table.shown


def _measured() -> list[str]:
    return [f"{name}_{batch}" for name in costs.MEASURED for batch in (1, 128)]


def test_a_product_rests_on_the_measurements_that_it_shows(study):
    files = study.tables.files("cost")
    assert "results/instruments/latency/cifar10/mha/tune/seed11.json" in files
    assert files.count("results/data/cifar10.json") == 1
    assert set(files) == set(study.figures.files("cost"))


def test_the_frontier_is_what_no_other_beats():
    found = costs.frontier([3.0, 1.0, 2.0, 2.0, 4.0], [92.0, 90.0, 89.0, 91.0, 91.5])
    assert found == [1, 3, 0]
    assert costs.frontier([1.0, 1.0], [5.0, 5.0]) == [0]


def test_the_figure_has_a_dot_for_each_model_and_a_line_along_the_frontier(study, tmp_path):
    write(tmp_path, study)
    spec = study.figures.spec("cost")
    figure = PARETO.draw(spec, PARETO.read(str(tmp_path), spec))
    by_parameters, by_latency = figure.axes
    assert [float(each.lines[0].get_xdata()[0]) for each in by_parameters.containers] == [2.0, 1.0]
    assert [float(each.lines[0].get_xdata()[0]) for each in by_latency.containers] == [10.5, 10.0]
    assert list(by_parameters.lines[-1].get_xdata()) == [1.0]  # of equal accuracy the smaller one
    empty = pd.DataFrame(columns=PARETO.read(str(tmp_path), spec).columns)
    assert "Baseline (missing)" in [text.get_text() for text in PARETO.draw(spec, empty).legends[0].get_texts()]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latency": "speed"}, "figures.cost.latency: no instrument 'speed' of kind latency in instruments"),
        ({"latency": None}, "figures.cost.costs: latency is measured by an instrument; name it by latency"),
        ({"costs": ["seconds"]}, "figures.cost.costs"),
    ],
)
def test_what_cannot_be_drawn_is_said(config, changes, message):
    figure = {"kind": "pareto", "title": "x", "latency": "latency", "costs": ["latency"], **OF} | changes
    with pytest.raises(ConfigError, match=message):
        Study(config | {"figures": {"cost": figure}})
