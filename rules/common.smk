# What all rules share: where the code is, which code a step rests on, and the names that paths may hold.
import os
import re
import shlex
import sys
import time
from pathlib import Path

from cnntention.reporting import captions
from cnntention.base import layout
from cnntention.base.code_files import ROOT, closure
from cnntention.base.layout import Run
from cnntention.base.specs import canonical
from cnntention.data.split import JUDGED_BY

# Relative, since Snakemake would take another absolute path for another input and train all again. Local, since a module
# with a prefix would look for them below it.
REPOSITORY = Path(os.path.relpath(ROOT))
START = time.time()
CONDA = "../envs/cnntention.yaml"
CAPTION = "../report/caption.rst"
# With device: cpu a training takes one core, and several run side by side; otherwise they wait for the GPU.
ON_CPU = STUDY.machine["device"] == "cpu"
GPU = 0 if ON_CPU else 1
TRAIN_THREADS = 1 if ON_CPU else 2
MACHINE = canonical(STUDY.computing)


def one_of(names):
    """A wildcard's pattern: one of the names, and nothing where there is none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(STUDY.config["datasets"]),
    model=one_of(STUDY.config["models"]),
    split=one_of(JUDGED_BY),
    seed=r"\d+",
    table=one_of(STUDY.config["tables"]),
    figure=one_of(STUDY.config["figures"]),
    instrument=one_of(STUDY.config["instruments"]),


# Steps run the package that the rules track, with the Python that runs Snakemake unless conda brings another.
PYTHON = f"env PYTHONPATH={shlex.quote(str(REPOSITORY))}${{PYTHONPATH:+:$PYTHONPATH}} "
if any(
    method.name == "CONDA" for method in workflow.deployment_settings.deployment_method
):
    PYTHON += "python"
else:
    PYTHON += f'PATH={shlex.quote(os.path.dirname(sys.executable))}:"$PATH" {shlex.quote(sys.executable)}'

# As a module with a prefix, Snakemake moves inputs, outputs and logs of rules by itself, but not what parameters name.
RESULTS = str(workflow.modifier.modify_path(f"{STUDY.results}/")).rstrip("/")
MOVED = STUDY if RESULTS == STUDY.results else Study(CONFIG | {"results": RESULTS})


def results(pattern):
    """A pattern of cnntention/base/layout.py below this study's results folder, its wildcards left open."""
    return pattern.replace("{results}", STUDY.results)


def log_file(step, pattern):
    """The log of a step."""
    return STUDY.path(layout.LOG, step=step, of=pattern)


def script(name):
    """An adapter in workflow_scripts/."""
    return local((REPOSITORY / "workflow_scripts" / name).as_posix())


def code(name, models=(), files=()):
    """The package's files that a script rests on: compared by content, so touching them rebuilds nothing.

    What a registry imports by name is not seen in the script's imports: the blocks of models, and other files.
    """
    found = {*closure(f"workflow_scripts/{name}", *files)}
    found.update(file for model in models for file in STUDY.attention_files(model))
    return [
        local(os.path.normpath(REPOSITORY / file))
        for file in sorted(found)
        if not file.startswith("workflow_scripts/")
    ]


def run_of(wildcards):
    """The run that a job's wildcards name."""
    return Run(wildcards.dataset, wildcards.model, wildcards.split, int(wildcards.seed))


def earlier_seeds_first(wildcards):
    """The priority of a run's steps: a study that is stopped has all models of a seed rather than half of each.

    It is no parameter, so that another list of seeds rebuilds nothing.
    """
    later = STUDY.config["seeds"][::-1]
    seed = int(wildcards.seed)
    return later.index(seed) + 1 if seed in later else 0


def instrument_label(wildcards):
    """What the report's menu says of a table or picture of an instrument."""
    caption = STUDY.config["instruments"][wildcards.instrument]["caption"]
    return {"Instrument": captions.label(wildcards.instrument, caption)}


def run_files(pattern, runs):
    """A file of each run."""
    return [STUDY.run_path(pattern, run) for run in runs]


def untracked(value):
    """A parameter that may change without a rebuild: Snakemake compares only those that do not look at outputs."""
    return lambda wildcards, output: value
