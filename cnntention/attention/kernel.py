"""Which code computes attention in this process: our operator for the CPU, or torch's own."""

import dataclasses
import importlib
from typing import Any, Protocol

import torch

from cnntention.attention.registry import files


@dataclasses.dataclass(frozen=True)
class Kernel:
    """Which code, and why.

    Attributes:
        name: ``torch``, or the operator's vector instructions and the digest of its sources, as in
            ``avx512-0123456789ab``: two machines with one name get the same bits.
        reason: for the log.
    """

    name: str
    reason: str

    @property
    def ours(self) -> bool:
        """Whether it is our operator."""
        return self.name != "torch"


class Registered(Protocol):
    """What is said of a model's attention, as far as it counts here."""

    @property
    def block(self) -> str:
        """Its name."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """Of the block."""
        ...


_in_use = Kernel("torch", "nothing else was asked for")


def in_use() -> Kernel:
    """What :func:`use` came to last in this process; torch's own before."""
    return _in_use


def use(attention: Registered | None, device: torch.device, compile: str) -> Kernel:
    """Take the best code for a model from here on, and build it where that is still to be done.

    Args:
        attention: the model's; None without.
        device: that it computes on.
        compile: ``machine.compile`` of the config; ``off`` compiles nothing, this neither.
    """
    global _in_use
    _in_use = _choose(attention, device, compile)
    return _in_use


def _choose(attention: Registered | None, device: torch.device, compile: str) -> Kernel:
    if attention is None or "cnntention/attention/heads.py" not in files(attention.block, attention.options):
        return Kernel("torch", "the model has no dot-product attention")
    if device.type != "cpu":
        return Kernel("torch", "our own operator is for the CPU alone")
    if compile == "off":
        return Kernel("torch", "machine.compile is off")
    # Not by an import statement: an edit of the operator would then train models anew that have no such attention.
    build, operator = (importlib.import_module(f"cnntention.attention.cpu.{name}") for name in ("build", "operator"))
    try:
        operator.load()
    except build.BuildError as error:
        return Kernel("torch", f"machine.compile is auto, but the operator for the CPU is not there: {error}")
    name = f"{build.target().instructions}-{build.digest()}"
    return Kernel(name, "machine.compile is auto, and a C++ compiler is there")
