"""How long a network takes to answer, and the memory that it takes for it, on the machine that measures.

Time is the median of repeated passes by torch's own timer, which warms up, waits for a GPU, and repeats until a total
time is reached. Memory is what the allocator gives at the peak of a pass beyond what it holds before: feature maps and
workspace, without weights and images.
"""

import json
import tempfile
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd.profiler import profile  # not torch.profiler's, which imports torch.compile where it begins
from torch.utils.benchmark import Timer

from cnntention.instruments.contract import Measurement, Number, Subject
from cnntention.network.resnet import ResNet

ABOUT = (
    "Latency: median time of a forward pass in fp32, images prepared; throughput: images by that time; memory: at the "
    "peak of the pass, without weights and images. They depend on the machine, and on what else it does meanwhile."
)
NEEDS = ""
OPTIONS = {
    "seconds": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 600,
        "default": 2.0,
        "description": "of measuring, for each size of batch",
    },
}

BATCHES = (1, 128)


def measure(subject: Subject, seconds: float) -> Measurement:
    """A row for each size of batch; the images are repeated where there are too few."""
    numbers = []
    for batch in BATCHES:
        images = subject.normalize(subject.part.images[torch.arange(batch) % len(subject.part)])
        of: dict[str, str | int] = {"batch": batch}
        time = _time(subject.model, images, seconds)
        numbers += [
            Number("latency", "ms", 1000 * time, of),
            Number("throughput", "images/s", batch / time, of),
            Number("memory", "MB", peak_memory(subject.model, images) / 1e6, of),
        ]
    return Measurement(numbers)


@torch.inference_mode()
def _time(model: ResNet, images: Tensor, seconds: float) -> float:
    timer = Timer("model(images)", globals={"model": model, "images": images}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=seconds).median


@torch.inference_mode()
def peak_memory(model: torch.nn.Module, images: Tensor) -> int:
    """Bytes that one pass takes at its peak, beyond what is there before it."""
    if images.is_cuda:
        before = torch.cuda.memory_allocated(images.device)
        torch.cuda.reset_peak_memory_stats(images.device)
        model(images)
        return torch.cuda.max_memory_allocated(images.device) - before
    with profile(profile_memory=True) as profiler:
        model(images)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    changes = sorted((event["ts"], event["args"]["Bytes"]) for event in events if event.get("name") == "[memory]")
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak
