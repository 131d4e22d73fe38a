"""States go when the outputs of their runs are there, and only then."""

import os
from pathlib import Path

import pytest

from cnntention.study.study import Study
from cnntention.workflow.leftovers import remove_states


@pytest.fixture
def study(config, tmp_path) -> Study:
    config["results"] = str(tmp_path / "out")
    return Study(config)


def write(study: Study, *names: str) -> None:
    for name in names:
        path = Path(study.results, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def left(study: Study) -> list[str]:
    folder = Path(study.results, "state")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def outputs(run: str) -> list[str]:
    return [f"runs/{run}/model.pt", f"runs/{run}/history.csv"]


def test_the_state_of_a_run_that_is_done_goes_and_what_diverged_of_it_too(study):
    run = "mnist/mha/full/seed1"
    write(study, f"state/{run}.pt", f"state/{run}.diverged.pt", f"state/{run}0.pt", *outputs(run))
    remove_states(study)
    assert left(study) == ["mnist/mha/full/seed10.pt"]
    assert all(Path(study.results, output).is_file() for output in outputs(run))


def test_the_state_of_another_training_of_a_run_that_is_done_stays(study):
    """Stopped on its way, after the config has changed: its outputs are those of before."""
    run = "mnist/mha/full/seed1"
    write(study, *outputs(run), f"state/{run}.pt")
    for output in outputs(run):
        os.utime(Path(study.results, output), (1e9, 1e9))
    remove_states(study)
    assert left(study) == ["mnist/mha/full/seed1.pt"]


@pytest.mark.parametrize("missing", [0, 1])
def test_the_state_of_a_run_without_all_its_outputs_stays(study, missing):
    run = "cifar10/cbam-16/tune/seed10"
    there = outputs(run)
    there.pop(missing)
    write(study, f"state/{run}.pt", f"state/{run}.diverged.pt", *there)
    remove_states(study)
    assert left(study) == ["cifar10/cbam-16/tune/seed10.diverged.pt", "cifar10/cbam-16/tune/seed10.pt"]


def test_a_run_that_the_config_no_longer_names_is_no_exception(study):
    write(study, "state/leaves/se/full/seed3.pt", *outputs("leaves/se/full/seed3"))
    remove_states(study)
    assert left(study) == []


def test_without_any_state_there_is_nothing_to_do(study):
    remove_states(study)
    assert not Path(study.results).exists()
