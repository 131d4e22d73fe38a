"""What a training step asks of an H100, and the CPU time that this takes the host, on a pretended GPU.

It counts launches and runs no kernel (tests/pretended_gpu/); torch's own CUDA code, the compilers and the host's time
are real. Writes ``benchmarks/results/launches.json``. Takes g++ and torch's CUDA build for Linux, and ten minutes.
"""

import json
import tempfile
from pathlib import Path

from benchmarks.table import MODES, NAMES, RESULTS, launches
from tests.pretended_gpu import pretended


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = pretended.build(Path(folder))
        rows = []
        for model in NAMES:
            modes = {mode: run("launches.py", model, mode, cwd=pretended.ROOT).result for mode in MODES}
            rows.append({"model": model} | modes)
            print(json.dumps(rows[-1]), flush=True)
    (RESULTS / "launches.json").write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    print(launches())


if __name__ == "__main__":
    main()
