"""From the results of benchmarks to tables: for the terminal, and for docs/speed.md."""

import json
from pathlib import Path

from tabulate import tabulate

from cnntention.base.words import listed
from cnntention.reporting.statistics.seeds import mean_std

RESULTS = Path(__file__).with_name("results")
NAMES = {"baseline": "Baseline", "selfatt": "SelfAtt", "mha": "MHA", "cbam-16": "CBAM-16"}
MODES = ("eager", "compiled", "captured")
NONE = "–"


def terminal(result: dict) -> str:
    """The results of one device: ratios first, then the floor."""
    rows = result["rows"]
    speed = [
        [
            NAMES.get(row["model"], row["model"]),
            f"{row['ours_images_per_s']:,.0f}",
            f"{row['reference_images_per_s']:,.0f}",
            f"{row['ratio']:.2f}x",
            f"{row['ours_epoch_s']:.1f}",
            f"{row['reference_epoch_s']:.1f}",
            f"{row['ours_peak_mb']:,.0f}",
            f"{row['reference_peak_mb']:,.0f}",
            f"{row['ours_first_step_s']:.1f}",
            f"{row['reference_first_step_s']:.1f}",
            f"{row['data_share']:.1%}",
        ]
        for row in rows
    ]
    headers = ["model", "ours", "reference", "ratio", "ours", "reference", "ours", "reference", "ours", "reference"]
    units = ["", "images/s", "images/s", "", "s/epoch", "s/epoch", "MB", "MB", "s to step 1", "s to step 1"]
    headers = [f"{name}\n{unit}" for name, unit in zip(headers, units, strict=True)] + ["data's share\nof a step"]
    floor = [
        [
            NAMES.get(row["model"], row["model"]),
            f"{row['multiply_adds'] / 1e6:.0f}",
            f"{row['gigabytes'] * 1e3:.1f}",
            f"{row['exponentials'] / 1e6:.1f}",
            f"{row['floor_images_per_s']:,.0f}",
            f"{row['ours_images_per_s'] / row['floor_images_per_s']:.0%}",
            f"{row['floor_images_per_s'] / row['reference_images_per_s']:.1f}x",
        ]
        for row in rows
    ]
    peaks = result["peaks"]
    return "\n".join(
        [
            f"{result['device']}, torch {result['torch']}, batch size {result['batch_size']}, ours in "
            f"{', '.join(sorted({row['precision'] for row in rows}))}",
            "",
            tabulate(speed, headers, disable_numparse=True, colalign=["left"] + ["right"] * 10),
            "",
            f"Floor: the work of an image by the peaks measured on this machine, {peaks['gflops']:,.0f} GFLOP/s, "
            f"{peaks['gbytes']:,.0f} GB/s, {peaks['gexps']:.1f} G exponentials/s",
            "",
            tabulate(
                floor,
                ["model", "multiply-adds\nmillions", "traffic\nMB", "exponentials\nmillions", "floor\nimages/s",
                 "reached", "most against\nthe reference"],
                disable_numparse=True,
                colalign=["left"] + ["right"] * 6,
            ),
        ]
    )  # fmt: skip


def operations() -> str:
    """The published table of where a step's time goes on the CPU: milliseconds, and in brackets the least possible."""
    rows = _rows("cpu")
    timed = {model: rows[model]["operations"] for model in NAMES if rows.get(model, {}).get("operations")}
    groups = list(dict.fromkeys(group for groups in timed.values() for group in groups))
    table = [
        [group, *(f"{timed[model][group]['ms']:.0f} ({timed[model][group]['floor_ms']:.0f})" for model in timed)]
        for group in groups
    ]
    return tabulate(table, ["A step of 128, ms", *map(NAMES.get, timed)], tablefmt="github", disable_numparse=True)


def speed() -> str:
    """The published table: ratios on the CPU, seconds on GPUs, a dash where nothing was measured."""
    cpu = _rows("cpu")
    others = ("cpu", "parity", "launches")
    names = [path.stem for path in sorted(RESULTS.glob("*.json")) if not path.stem.startswith("concurrency")]
    gpus = [name for name in names if name not in others] or ["h100"]
    table = []
    for model, name in NAMES.items():
        row = cpu.get(model)
        cells = [name] + [NONE] * 3
        if row:
            memory = row["ours_peak_mb"] / row["reference_peak_mb"]
            reached = row["ours_images_per_s"] / row["floor_images_per_s"]
            cells = [name, f"{row['ratio']:.1f}x", f"{memory:.2f}x", f"{reached:.0%}"]
        for gpu in gpus:
            timed = _rows(gpu).get(model)
            cells += [f"{timed['ours_epoch_s']:.2f} s", f"{timed['ratio']:.1f}x"] if timed else [NONE, NONE]
        table.append(cells)
    headers = ["Model", "CPU: speed", "CPU: peak memory", "CPU: share of the floor"]
    for gpu in gpus:
        headers += [f"{gpu.upper()}: an epoch", f"{gpu.upper()}: speed"]
    return tabulate(table, headers, tablefmt="github", disable_numparse=True)


def in_short() -> str:
    """What the README says: ratios of training speed on the CPU, and the smallest one of peak memory; nothing where
    nothing is measured."""
    rows = {model: row for model, row in _rows("cpu").items() if model in NAMES}
    if not rows:
        return ""
    ratios = listed([f"{rows[model]['ratio']:.1f} ({name})" for model, name in NAMES.items() if model in rows])
    memory, model = min((row["ours_peak_mb"] / row["reference_peak_mb"], model) for model, row in rows.items())
    device = _result("cpu")["device"]
    return (
        f"**How fast it is:** On a {device} it trains {ratios} times as fast as a plain PyTorch pipeline on the same "
        f"machine, and {NAMES[model]} in {memory:.0%} of its memory. "
        "[docs/speed.md](docs/speed.md) tells what makes it fast, what limits it, and what was measured of GPUs."
    )


def launches() -> str:
    """The published table of what a training step asks of a GPU, counted on a pretended one."""
    rows = _rows("launches")
    table = [
        [
            name,
            *(f"{rows[model][mode]['launches']:.0f}" if model in rows else NONE for mode in MODES),
            *(f"{rows[model][mode]['host_ms']:.2f}" if model in rows else NONE for mode in MODES),
        ]
        for model, name in NAMES.items()
    ]
    headers = ["A step of 128", *(f"Launches, {mode}" for mode in MODES), *(f"Host, {mode} (ms)" for mode in MODES)]
    return tabulate(table, headers, tablefmt="github", disable_numparse=True)


def parity() -> str:
    """The published table of bf16 against fp32."""
    path = RESULTS / "parity.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    table = [
        [
            row["dataset"],
            NAMES.get(row["model"], row["model"]),
            row["epochs"],
            len(row["seeds"]),
            f"{row['images']:,}",
            *("{:.2f} ± {:.2f}".format(*mean_std(row[name])) for name in ("fp32", "bf16")),
            f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]",
        ]
        for row in rows
    ]
    headers = ["Dataset", "Model", "Epochs", "Seeds", "Images", "fp32 (%)", "bf16 (%)", "Difference [95%]"]
    return tabulate(table, headers, tablefmt="github", disable_numparse=True)


def _rows(device: str) -> dict[str, dict]:
    return {row["model"]: row for row in _result(device)["rows"]}


def _result(device: str) -> dict:
    """What is in the file of a device; without one, no rows."""
    path = RESULTS / f"{device}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"rows": []}
