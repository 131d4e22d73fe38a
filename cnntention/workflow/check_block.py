"""Whether an attention block is fit for a study, in seconds and before anything is trained."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor, nn

from cnntention.attention import registry
from cnntention.attention.residual import PlainResidual
from cnntention.base.errors import ConfigError, ExportError
from cnntention.network import complexity
from cnntention.network.resnet import ResNet, initialise
from cnntention.network.specs import WIDTHS, Attention
from cnntention.study.blocks import block_problems
from cnntention.training import randomness
from cnntention.workflow.model_export import TOLERANCE, onnx_difference

SIZES = (32, 28, 16, 14, 8, 7)
"""Of the feature maps behind the three stages, for images of 32x32 and 28x28 pixels."""
DEPTH, CLASSES, IMAGES = 20, 10, 16
BESIDE: dict[str, Attention] = {
    "SelfAtt": Attention("selfatt", "plain", {}),
    "MHA": Attention("mha", "plain", {"heads": 8}),
    "CBAM-16": Attention("cbam", "plain", {"reduction": 16}),
    "SE-16": Attention("se", "plain", {"reduction": 16}),
    "ECA": Attention("eca", "plain", {}),
}
"""What a block's size is shown beside."""


@dataclasses.dataclass(frozen=True)
class Result:
    """Of one check.

    Attributes:
        check: what was looked at.
        passed: None: nothing to pass, or skipped.
        details: in a line.
    """

    check: str
    passed: bool | None
    details: str


class UnfitError(Exception):
    """What a block does wrong, in a line."""


def check_block(name: str, options: dict[str, Any]) -> list[Result]:
    """All checks of a block, on the CPU.

    Args:
        name: as in a config.
        options: of the block; those left out have their defaults.

    Raises:
        ConfigError: there is no such block, or it has no such options.
    """
    stanza: dict[str, Any] = {"block": name, "options": options}
    problems = list(block_problems("check-block", stanza, stanza, WIDTHS))
    if problems:
        raise ConfigError("\n".join(problems))
    attention = Attention(name, "plain", stanza["options"])
    checks: dict[str, Callable[[Attention], str]] = {
        "keeps the shape": _shape,
        "gives every parameter a gradient": _gradients,
        "is deterministic": _deterministic,
        "can be compiled": _compiles,
        "survives bf16": _bf16,
        "can be exported to ONNX": _onnx,
    }
    results = [_result(what, check, attention) for what, check in checks.items()]
    if results[0].passed:
        measures = {"parameters": _parameters, "multiply-adds": _multiply_adds, "time of a step": _time}
        measured = [_result(what, measure, attention) for what, measure in measures.items()]
        results += [dataclasses.replace(result, passed=result.passed and None) for result in measured]
    return results


def shown(results: list[Result]) -> str:
    """The table."""
    words = {True: "pass", False: "FAIL", None: ""}
    rows = [(result.check, words[result.passed], result.details) for result in results]
    return tabulate(rows, headers=("Check", "Result", "Details"), disable_numparse=True)


def _result(what: str, check: Callable[[Attention], str], attention: Attention) -> Result:
    randomness.seed(0)
    try:
        return Result(what, True, check(attention))
    except ExportError as missing:
        return Result(what, None, f"skipped: {missing}")
    except Exception as error:  # whatever somebody else's code comes up with
        line = next(iter(str(error).strip().splitlines()), "")
        return Result(what, False, line if isinstance(error, UnfitError) else f"{type(error).__name__}: {line}")


def _joined(attention: Attention, channels: int = WIDTHS[0]) -> nn.Module:
    """A block with its residual connection, initialised as in the network."""
    block = registry.create(attention.block, channels, **attention.options)
    joined = PlainResidual(block)
    initialise(joined)
    return joined


def _feature_map(channels: int = WIDTHS[0], size: int = 16) -> Tensor:
    """As behind a stage: the mean differs from channel to channel."""
    return (torch.randn(4, channels, size, size) + torch.randn(4, channels, 1, 1)).relu()


def _pass(module: nn.Module, x: Tensor, forward: Callable[[Tensor], Tensor] | None = None) -> list[Tensor]:
    """The answer of a module, its gradients' parameters, None where there is none, and the input's."""
    module.zero_grad(set_to_none=True)
    x = x.clone().requires_grad_()
    answer = (module if forward is None else forward)(x)
    F.mse_loss(answer.float(), torch.linspace(-1, 1, answer.numel()).view(answer.shape)).backward()
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    assert x.grad is not None
    return [answer.detach(), x.grad, *gradients]


# ---- what it has to do


def _shape(attention: Attention) -> str:
    for channels in WIDTHS:
        module = _joined(attention, channels)
        for size in SIZES:
            x = _feature_map(channels, size)
            found = tuple(module.get_submodule("block")(x).shape)
            if found != tuple(x.shape):
                raise UnfitError(f"{tuple(x.shape)} becomes {found}")
    return f"{', '.join(map(str, SIZES))} pixels; {', '.join(map(str, WIDTHS))} channels"


def _gradients(attention: Attention) -> str:
    module = _joined(attention)
    found = _pass(module, _feature_map())
    without = [
        name.removeprefix("block.")
        for name, parameter in module.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    if without:
        raise UnfitError(f"none for {', '.join(without)}")
    _require_finite(found)
    return f"{len(list(module.parameters()))} tensors"


def _deterministic(attention: Attention) -> str:
    module, x = _joined(attention), _feature_map()
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    first = _pass(module, x)
    module.load_state_dict(state)
    if not all(map(torch.equal, first, _pass(module, x))):
        raise UnfitError("another answer or gradient the second time")
    return "the same bits twice, forward and backward"


def _compiles(attention: Attention) -> str:
    module, x = _joined(attention), _feature_map()
    expected, note = _pass(module, x), "in one graph"
    torch._dynamo.reset()
    try:
        found = _pass(module, x, torch.compile(module, backend="aot_eager", fullgraph=True, dynamic=False))
    except Exception:
        torch._dynamo.reset()
        found, note = _pass(module, x, torch.compile(module, backend="aot_eager", dynamic=False)), "in several graphs"
    finally:
        torch._dynamo.reset()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4, msg="compiled, it gives other numbers")
    return note


def _bf16(attention: Attention) -> str:
    module, x = _joined(attention), _feature_map()

    def forward(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return module(x)

    expected, found = module(x), _pass(module, x, forward)
    _require_finite(found)
    error = ((found[0] - expected).norm() / expected.norm()).item()
    if error > 0.1:
        raise UnfitError(f"{error:.0%} off its answer in fp32")
    return f"{error:.1%} off its answer in fp32"


def _require_finite(tensors: list[Tensor]) -> None:
    if not all(tensor.isfinite().all() for tensor in tensors):
        raise UnfitError("a number is infinite or NaN")


def _onnx(attention: Attention) -> str:
    difference = onnx_difference(_joined(attention).eval(), _feature_map())
    if not difference <= TOLERANCE:
        raise UnfitError(f"onnxruntime's answer differs from torch's by {difference:.0e}, more than export lets pass")
    return f"onnxruntime's answer is within {difference:.0e} of torch's"


# ---- how large and slow it is


@functools.cache
def _baseline() -> ResNet:
    return ResNet(DEPTH, 3, CLASSES)


def _network(attention: Attention) -> ResNet:
    return ResNet(DEPTH, 3, CLASSES, attention)


def _beside(attention: Attention, measure: Callable[[nn.Module], int]) -> str:
    """What the block adds to the network, and what ours add."""
    own, *ours = (measure(_network(each)) - measure(_baseline()) for each in (attention, *BESIDE.values()))
    others = ", ".join(f"{label} {added:,}" for label, added in zip(BESIDE, ours, strict=True))
    return f"{own:,} more than ResNet-{DEPTH}'s {measure(_baseline()):,} ({others})"


def _parameters(attention: Attention) -> str:
    return _beside(attention, complexity.parameters)


def _multiply_adds(attention: Attention) -> str:
    return _beside(attention, lambda model: complexity.multiply_adds(model, (32, 32, 3)))


def _time(attention: Attention) -> str:
    seconds = [_seconds_a_step(model) for model in (_network(attention), _baseline())]
    threads = torch.get_num_threads()
    return f"{seconds[0] / seconds[1]:.2f} times the baseline's ({IMAGES} images of 32x32, CPU, {threads} thread(s))"


def _seconds_a_step(model: nn.Module) -> float:
    """The fastest of a few: forward and backward."""
    x, labels = torch.randn(IMAGES, 3, 32, 32), torch.arange(IMAGES) % CLASSES
    times = []
    for _ in range(4):
        started = time.perf_counter()
        F.cross_entropy(model(x), labels).backward()
        times.append(time.perf_counter() - started)
    return min(times)
