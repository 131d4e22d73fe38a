"""What the pipeline removes when it has ended."""

from pathlib import Path

from cnntention.base import layout
from cnntention.study.study import Study


def remove_states(study: Study) -> None:
    """Remove the states of trainings whose outputs are there.

    Not sooner: if Snakemake is killed before it has noted that a training is done, it removes the outputs and
    trains again, which takes no time from the state. A state that is newer than the outputs is of another training, by
    another config, which was stopped on its way.
    """
    folder = Path(study.results)
    pattern = study.path(layout.STATE, dataset="*", model="*", split="*", seed="*")
    for state in folder.glob(Path(pattern).relative_to(folder).as_posix()):
        dataset, model, split = state.parts[-4:-1]
        seed = state.name.removeprefix("seed").split(".")[0]  # what a diverged run leaves is called seed10.diverged.pt
        names = {"dataset": dataset, "model": model, "split": split, "seed": seed}
        outputs = [Path(study.path(output, **names)) for output in (layout.MODEL, layout.HISTORY)]
        if all(output.is_file() and output.stat().st_mtime >= state.stat().st_mtime for output in outputs):
            state.unlink()
