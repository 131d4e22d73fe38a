"""Training speed and memory of each model, ours beside the plain reference, alternating: ``make benchmark``.

Each measurement is a process of its own. Ours and the reference take turns, and the best round of each counts, as the
one that other work on the machine disturbed least. The reference runs with 0 and with 2 workers, the better counts.
Prints the table and writes ``benchmarks/results/cpu.json`` or that of the GPU, such as ``h100.json``.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks import cores
from benchmarks.table import NAMES, RESULTS, terminal

MODELS = tuple(NAMES)
WORKERS = (0, 2)
EPOCH_IMAGES, TEST_IMAGES = 50_000, 10_000


def process(module: str, *arguments: str) -> dict:
    """The JSON that a module prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(side: str, model: str, args: argparse.Namespace, workers: int = 0) -> dict:
    """One round of one side."""
    options = {"model": model, "device": args.device, "threads": args.threads, "seconds": args.seconds}
    options |= {"workers": workers, "precision": args.precision, "started": time.time()}
    result = process("measure", side, *(f"--{key}={value}" for key, value in options.items()))
    speed = f"{result['images_per_s']:8.1f} images/s, {result['peak_mb']:6.0f} MB"
    detail = f" ({workers} workers)" if side == "reference" else f" ({result['precision']})"
    print(f"  {model:<9} {side + detail:<22} {speed}", file=sys.stderr, flush=True)
    return result


def compare(model: str, args: argparse.Namespace) -> dict:
    """A row of the results: the best rounds of both sides."""
    ours, reference = [], []
    workers = None
    for _ in range(args.rounds):
        ours.append(measure("ours", model, args))
        for number in WORKERS if workers is None else [workers]:
            reference.append(measure("reference", model, args, number) | {"workers": number})
        workers = max(reference, key=lambda result: result["images_per_s"])["workers"]
    row = {"model": model, "workers": workers, "precision": ours[0]["precision"], "compiled": ours[0]["compiled"]}
    for name, results in (("ours", ours), ("reference", reference)):
        best = max(results, key=lambda result: result["images_per_s"])
        for key in ("images_per_s", "eval_images_per_s", "peak_mb"):
            row[f"{name}_{key}"] = best[key]
        row[f"{name}_epoch_s"] = EPOCH_IMAGES / best["images_per_s"] + TEST_IMAGES / best["eval_images_per_s"]
        row[f"{name}_first_step_s"] = min(result["first_step_s"] for result in results)
    row["ratio"] = row["ours_images_per_s"] / row["reference_images_per_s"]
    row["data_share"] = min(result["data_share"] for result in ours)
    return row


def result_file(device: str) -> Path:
    """``cpu.json``, or the GPU's model in lower case, such as ``h100.json``."""
    if device.startswith("CPU"):
        return RESULTS / "cpu.json"
    named = re.search(r"\b[A-Z]{1,3}\d{2,4}\w*", device)
    return RESULTS / ((named[0] if named else re.sub(r"\W+", "-", device)).lower() + ".json")


def kept(path: Path, result: dict) -> list[dict]:
    """Rows of earlier measurements of other models, with the same torch on the same device in the same precision."""
    if not path.is_file():
        return []
    before = json.loads(path.read_text(encoding="utf-8"))
    if any(before[key] != result[key] for key in ("device", "torch", "batch_size")):
        return []
    measured, precisions = ({row[key] for row in result["rows"]} for key in ("model", "precision"))
    return [row for row in before["rows"] if row["model"] not in measured and row["precision"] in precisions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS, help="others keep the rows that they have")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=cores.count())
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"), help="of ours")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10, help="that steady state is measured for")
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/, by device")
    args = parser.parse_args()
    machine = [f"--device={args.device}", f"--threads={args.threads}", f"--precision={args.precision}"]
    floor = process("floor", *args.models, *machine)
    rows = [compare(model, args) for model in args.models]
    for row in rows:
        work = floor["work"][row["model"]]
        row |= {"multiply_adds": work["flops"] / 2, "gigabytes": work["gigabytes"]}
        row |= {"exponentials": work["exponentials"], "floor_images_per_s": 1 / work["seconds"]}
        row["operations"] = floor.get("operations", {}).get(row["model"])
    result = {
        "device": floor["device"],
        "torch": str(torch.__version__),
        "batch_size": 128,
        "peaks": floor["peaks"],
        "rows": rows,
    }
    path = args.output or result_file(floor["device"])
    path.parent.mkdir(parents=True, exist_ok=True)
    result["rows"] = rows + kept(path, result)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(terminal(result))
    print(f"\n{path}")


if __name__ == "__main__":
    main()
