"""A training step as one CUDA graph: the host launches the whole of it at once.

A small network's kernels are done sooner than the host can launch them one by one: a compiled step of the baseline
takes the host milliseconds for its hundreds of launches (docs/speed.md), and an H100 a fraction of that.
"""

import dataclasses

import torch

from cnntention.base.memory import is_out_of_memory
from cnntention.training.epoch import Epoch
from cnntention.training.step import Step

WARM_STEPS = 3
"""Steps before capture, in which libraries choose kernels and the optimiser makes its state; as torch's notes ask."""


@dataclasses.dataclass(frozen=True)
class Capture:
    """Whether steps are captured, and why."""

    on: bool
    reason: str


def choose(name: str, device: torch.device, deterministic: bool) -> Capture:
    """What ``machine.compile`` means for it: ``auto`` or ``off``."""
    if device.type != "cuda":
        return Capture(False, "only CUDA GPUs have graphs")
    if name == "off":
        return Capture(False, "machine.compile is off")
    if deterministic:
        return Capture(False, "machine.deterministic")
    return Capture(True, f"after {WARM_STEPS} steps, each is one launch")


def tried(wanted: Capture, step: Step, images: int, batch_size: int) -> Capture:
    """Whether steps can be captured, found out before the first one, so that what a run says of itself is what runs.

    Args:
        wanted: what was chosen.
        step: whose weights, statistics, optimiser and augmentation's generator are not what they were afterwards.
        images: of the training.
        batch_size: of its steps.

    Raises:
        RuntimeError: the GPU runs out of memory.
    """
    if not wanted.on:
        return wanted
    if images < batch_size:
        return Capture(False, "the only batch of an epoch has a size of its own")
    epoch = Epoch.start(images, batch_size, 0.0, step.augment.generator)
    take = Captured(step)
    try:
        for _ in range(WARM_STEPS + 1):
            epoch.step = 0
            take(epoch)
        torch.cuda.synchronize()
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        return Capture(False, f"a step cannot be captured ({' '.join(str(error).split())[:200]})")
    return wanted


class Captured:
    """Takes steps of training as one launch each, once it has seen how they go.

    The graph works on tensors of its own: the order of the epoch's images, and a counter that says which of them come
    next. The first steps of a process and the smaller last batch of an epoch are taken as they are.

    Args:
        step: that is captured; its optimiser has its learning rates in tensors, see :func:`rates_in_tensors`.
    """

    def __init__(self, step: Step):
        self.step = step
        self._seen = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._epoch: Epoch | None = None
        self._own: Epoch | None = None
        self._position = torch.zeros(1, dtype=torch.long, device=step.part.images.device)

    def __call__(self, epoch: Epoch) -> None:
        """Take the next batch of an epoch.

        Raises:
            RuntimeError: the step cannot be captured.
        """
        whole = (epoch.step + 1) * epoch.batch_size <= len(epoch.order)
        if not whole:
            self.step(epoch)
            return
        if self._seen < WARM_STEPS:
            self._seen += 1
            self._warm(epoch)
            return
        if epoch is not self._epoch:
            self._take_over(epoch)
        if self._graph is None:
            self._graph = self._capture()
        self._graph.replay()
        epoch.step += 1

    def _warm(self, epoch: Epoch) -> None:
        """A step beside the default stream, since a graph cannot take over what the default stream has begun."""
        current, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(current)
        with torch.cuda.stream(beside):
            self.step(epoch)
        current.wait_stream(beside)

    def _take_over(self, epoch: Epoch) -> None:
        """Let the graph's own tensors be those of an epoch."""
        if self._own is None:
            self._own = Epoch(epoch.order.clone(), epoch.batch_size, 0.0, epoch.losses.clone(), epoch.wrong.clone())
        for name in ("order", "losses", "wrong"):
            own = getattr(self._own, name)
            own.copy_(getattr(epoch, name))
            setattr(epoch, name, own)
        self._position.fill_(epoch.step)
        self._epoch = epoch

    def _capture(self) -> torch.cuda.CUDAGraph:
        """Record a step without taking it."""
        assert self._own is not None
        graph = torch.cuda.CUDAGraph()
        if _must_be_registered():
            graph.register_generator_state(self.step.augment.generator)
        with torch.cuda.graph(graph):
            self._record(self._own)
        return graph

    def _record(self, own: Epoch) -> None:
        index = own.order[self._position * own.batch_size + torch.arange(own.batch_size, device=own.order.device)]
        loss, wrong = self.step.take(index)
        own.losses.index_copy_(0, self._position, loss[None])
        own.wrong += wrong
        self._position += 1


def rates_in_tensors(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Learning rates as tensors on the device, where a graph reads them anew in each step; a number it would keep."""
    for group in optimizer.param_groups:
        group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32).to(device)
        if "capturable" in group:
            group["capturable"] = True


def _must_be_registered() -> bool:
    """Whether this torch has to be told of generators whose numbers a graph draws; newer ones see for themselves."""
    major, minor = (int(part) for part in torch.__version__.split(".")[:2])
    return (major, minor) < (2, 14)
