"""How fast a training step could be at best on a machine: its work, by the machine's measured peaks.

Work is counted operation by operation as torch runs it: multiply-adds of convolutions, linear layers and attention,
exponentials of attention (forward, and again in the backward pass, which stores none), and the bytes that every
operation reads and writes. An operation takes at least the longer of its arithmetic and its traffic; operations run
one after another. The optimiser's step, a few megabytes a batch, is left out.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks import operations
from benchmarks.measure import synchronize
from cnntention.attention import kernel
from cnntention.attention.cpu import operator
from cnntention.attention.cpu.build import BuildError
from cnntention.base import device
from cnntention.base.layout import Run
from cnntention.study.config import load
from cnntention.study.study import Study
from cnntention.training import checkpoint, precision
from cnntention.training.specs import RunSpec

BATCH = 16
STEP, STEPS = 128, 6
"""Images of a step, and steps, the fastest of which counts, by which operations are timed."""
FREE = ("empty", "detach", "view", "reshape")
"""Operations that touch no data, though torch does not mark all of them as views."""


@dataclasses.dataclass(frozen=True)
class Peaks:
    """What a machine was seen to do: arithmetic in 1e9 floating-point operations, bytes, exponentials a second."""

    gflops: float
    gbytes: float
    gexps: float


@dataclasses.dataclass
class Work:
    """Of one image, forward and backward."""

    flops: float = 0.0
    gigabytes: float = 0.0
    exponentials: float = 0.0
    seconds: float = 0.0


class Count(TorchDispatchMode):
    """Adds up the work of every operation, and the least time for it."""

    def __init__(self, peaks: Peaks):
        super().__init__()
        self.peaks = peaks
        self.work = Work()
        self.operations: dict[str, list[float]] = {}
        """Of each kind: the least seconds, and those that it took here, which mean something on the CPU only."""

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: tuple = (), keywords: dict | None = None
    ) -> Any:
        keywords = keywords or {}
        began = time.perf_counter()
        result = operation(*arguments, **keywords)
        taken = time.perf_counter() - began
        name = operation.overloadpacket.__name__
        if operation.is_view or name.startswith(FREE):
            return result
        flops, exponentials = self._attention(name, arguments)
        if not flops and operation.overloadpacket in flop_registry:
            flops = flop_registry[operation.overloadpacket](*arguments, **keywords, out_val=result)
        tensors = [leaf for leaf in tree_leaves((arguments, keywords, result)) if isinstance(leaf, Tensor)]
        gigabytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e9
        self.work.flops += flops
        self.work.gigabytes += gigabytes
        self.work.exponentials += exponentials
        arithmetic = flops / 1e9 / self.peaks.gflops + exponentials / 1e9 / self.peaks.gexps
        least = max(arithmetic, gigabytes / self.peaks.gbytes)
        self.work.seconds += least
        of_kind = self.operations.setdefault(name, [0.0, 0.0])
        of_kind[0] += least
        of_kind[1] += taken
        return result

    @staticmethod
    def _attention(name: str, arguments: tuple) -> tuple[float, float]:
        """Floating-point operations and exponentials of fused attention: two products forward, five backward."""
        backward = "backward" in name
        if name.startswith("attention"):  # our own, [B, C, N]
            batch, channels, positions = arguments[1 if backward else 0].shape
            pairs, depth = batch * arguments[-1] * positions**2, channels // arguments[-1]
        elif "scaled_dot_product" in name:  # torch's, [B, heads, N, C / heads]
            batch, heads, positions, depth = arguments[1 if backward else 0].shape
            pairs = batch * heads * positions**2
        else:
            return 0, 0
        return (5 if backward else 2) * 2 * pairs * depth, pairs


def count(
    spec: RunSpec, target: torch.device, format: precision.Precision, peaks: Peaks, batch: int, passes: int = 1
) -> list[Count]:
    """The work of each of some training steps of a run's spec, with batches of 32x32 images of 3 channels."""
    kernel.use(spec.attention, target, "auto")
    model = checkpoint.build(spec, 3, 10).to(target).to(memory_format=torch.channels_last).train()
    images = torch.rand(batch, 3, 32, 32, device=target).to(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=target) % 10
    counters = []
    for _ in range(passes):
        model.zero_grad(set_to_none=True)
        with Count(peaks) as counter:
            with format.autocast(target):
                scores = model(images)
            nn.functional.cross_entropy(scores.float(), labels).backward()
        counters.append(counter)
    return counters


def of_training(spec: RunSpec, format: precision.Precision, peaks: Peaks) -> Work:
    """The work of one image in a training step of a run's spec, on whatever device.

    Counted on the CPU: on CUDA attention's heads are padded to a multiple of 8 channels, which is no work of the model.
    """
    (counter,) = count(spec, torch.device("cpu"), format, peaks, BATCH)
    return Work(*(value / BATCH for value in dataclasses.astuple(counter.work)))


def measure_peaks(target: torch.device, format: precision.Precision) -> Peaks:
    """The machine's peaks: the better of a large matrix product and convolution, a copy, exponentials in cache."""
    number = torch.bfloat16 if format.name == "bf16" else torch.float32
    size = 8192 if target.type == "cuda" else 2048
    left, right = (torch.rand(size, size, device=target, dtype=number) for _ in range(2))
    images = torch.rand(512, 64, 32, 32, device=target, dtype=number).to(memory_format=torch.channels_last)
    convolution = nn.Conv2d(64, 64, 3, padding=1, bias=False, device=target, dtype=number)
    convolution = convolution.to(memory_format=torch.channels_last)
    source = torch.rand(2**27, device=target)
    copied = torch.empty_like(source)
    cached = torch.rand(2**17 if target.type == "cpu" else 2**24, device=target)
    result = torch.empty_like(cached)
    with torch.inference_mode():
        product = 2 * size**3 / _best(target, lambda: left @ right)
        convolved = 2 * 512 * 32 * 32 * 64 * 64 * 9 / _best(target, lambda: convolution(images))
        copy = 2 * source.numel() * 4 / _best(target, lambda: copied.copy_(source))
        exps = cached.numel() / _best(target, lambda: torch.exp(cached, out=result))
        if target.type == "cpu":
            exps = max(exps, _powers(format))
    return Peaks(max(product, convolved) / 1e9, copy / 1e9, exps / 1e9)


def _powers(format: precision.Precision) -> float:
    """Exponentials a second by the polynomial of our own operator; 0 where this machine cannot have it."""
    try:
        operator.load()
    except BuildError:
        return 0
    numbers, rounds = -torch.rand(2**13) * 20, 1000
    powers = torch.ops.cnntention.powers
    seconds = _best(torch.device("cpu"), lambda: powers(numbers, format.name == "fp32", rounds))
    return rounds * numbers.numel() / seconds


def _best(target: torch.device, work: Callable[[], object], repeats: int = 15) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        synchronize(target)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Print the peaks and each model's work as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    target = device.select(device.Machine(args.device, args.threads), log=lambda line: None)
    format = precision.choose(args.precision, target)
    peaks = measure_peaks(target, format)
    study = Study(load("config.yaml"))
    specs = {model: study.training_spec(Run("cifar10", model, "full", 10)) for model in args.models}
    work = {model: dataclasses.asdict(of_training(specs[model], format, peaks)) for model in args.models}
    result = {"device": device.describe(target), "peaks": dataclasses.asdict(peaks), "work": work}
    if target.type == "cpu":
        counted = {model: count(specs[model], target, format, peaks, STEP, STEPS) for model in args.models}
        result["operations"] = {model: operations.milliseconds(steps) for model, steps in counted.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
