"""How many trainings should run at once on one device: images a second of all together, and hours for the whole study.

A ResNet-20 fills a few percent of a large GPU. Processes share it as ``machine.runs_per_gpu`` lets them; on the CPU
they share the cores. All processes start at once, and each is measured over as many seconds. Writes
``benchmarks/results/concurrency-cpu.json`` or that of the GPU; of some models alone, which make no study, only the
table.
"""

import argparse
import json
import subprocess
import sys
import time

import torch
from tabulate import tabulate

from benchmarks import cores
from benchmarks.table import RESULTS
from benchmarks.training import MODELS, process, result_file
from cnntention.study.config import load
from cnntention.study.study import Study

TRAIN_IMAGES = {"cifar10": 50_000, "mnist": 60_000}


def together(model: str, number: int, args: argparse.Namespace) -> float:
    """Images a second of so many trainings of a model at once."""
    threads = max(1, args.cores // number)
    command = [sys.executable, "-m", "benchmarks.measure", "ours", f"--model={model}", f"--device={args.device}"]
    command += [f"--threads={threads}", f"--seconds={args.seconds}", f"--started={time.time()}"]
    command += [f"--sharing={number}"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(number)]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit(f"{' '.join(command)} failed, {number} at once")
    return sum(json.loads(output.splitlines()[-1])["images_per_s"] for output in outputs)


def study_hours(study: Study, rates: dict[str, float]) -> float:
    """For all runs of the study, at images a second by model; other models count as the measured one of their kind."""
    seconds = 0.0
    for run in study.runs():
        name = next((known for known in rates if known == run.model), None)
        name = name or next((known for known in rates if known.split("-")[0] == run.model.split("-")[0]), "baseline")
        held_out = study.config["datasets"][run.dataset]["validation_images"] if run.split == "tune" else 0
        images = TRAIN_IMAGES[run.dataset] - held_out
        seconds += images * study.recipe(run.model, run.dataset)["epochs"] / rates[name]
    return seconds / 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cpu", "cuda"))
    parser.add_argument("--cores", type=int, default=cores.count())
    parser.add_argument("--at-once", type=int, nargs="+", help="default: 1 and the cores on a CPU, 1 2 4 8 on a GPU")
    parser.add_argument("--seconds", type=float, default=15)
    args = parser.parse_args()
    numbers = args.at_once or ([1, args.cores] if args.device == "cpu" else [1, 2, 4, 8])
    rates = {number: {model: together(model, number, args) for model in args.models} for number in numbers}
    device = process("floor", f"--device={args.device}", f"--threads={args.cores}")["device"]
    print(f"{device}: images/s of all trainings together")
    headers = ["at once", *args.models]
    table = [[number, *(f"{rates[number][model]:,.0f}" for model in args.models)] for number in numbers]
    if not set(MODELS) <= set(args.models):
        print(tabulate(table, headers, disable_numparse=True))
        return
    study = Study(load("config.yaml"))
    hours = {number: study_hours(study, rates[number]) for number in numbers}
    for row in table:
        row.append(f"{hours[numbers[0]] / hours[row[0]]:.2f}x")
    print(tabulate(table, [*headers, "runs an hour, the whole study"], disable_numparse=True))
    path = RESULTS / f"concurrency-{result_file(device).name}"
    rows = [{"at_once": number, **rates[number], "study_hours": hours[number]} for number in numbers]
    path.write_text(json.dumps({"device": device, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
