"""The operations of a module as a graph, read from what torch traces of it."""

import dataclasses
import math
from typing import Any

import torch
from torch import nn

PASSED = {
    "alias", "clone", "contiguous", "detach", "expand", "flatten", "getitem", "permute", "reshape", "select",
    "slice", "squeeze", "transpose", "unsqueeze", "view", "view_as", "_to_copy", "to", "unflatten", "movedim",
}  # fmt: skip
"""Operations that only rearrange numbers: left out."""
WORDS = {
    "add": "+", "mul": "×", "sub": "−", "div": "÷", "relu": "ReLU", "cat": "join", "stack": "join", "amax": "max",
    "matmul": "product", "bmm": "product", "adaptive_avg_pool2d": "mean",
    "scaled_dot_product_attention": "softmax(Q Kᵀ) V",
}  # fmt: skip
"""What other operations are called, where torch's own name would not do."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        name: in words; ``input`` of the first.
        shape: of what comes out of it, for one image.
        parameters: how many it has; those that several operations share count for the first.
        inputs: positions of the operations that it takes its input from.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    inputs: tuple[int, ...]


def operations(module: nn.Module, shape: tuple[int, int, int]) -> list[Operation]:
    """The operations of a module, in an order in which they can be computed.

    What torch cannot trace is one operation, named as the module's class.

    Args:
        module: on the CPU, in evaluation mode.
        shape: of its input: channels, height, width.
    """
    start = Operation("input", shape, 0, ())
    try:
        program = torch.export.export(module, (torch.zeros(1, *shape),), strict=False)
    except Exception:  # a block of the user's may raise anything when it is traced
        count = sum(parameter.numel() for parameter in module.parameters())
        return [start, Operation(type(module).__name__, shape, count, (0,))]
    named = program.graph_signature.inputs_to_parameters
    found = [start]
    at: dict[Any, int] = {}  # of a node of the graph, the operation whose result it is
    counted: set[str] = set()
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs:
            at[node] = 0
        if node.op != "call_function":
            continue
        inputs = tuple(dict.fromkeys(at[each] for each in node.all_input_nodes if each in at))
        kind = _kind(node)
        own = [named[each.name] for each in node.all_input_nodes if each.name in named]
        if kind in PASSED and inputs and not own:
            at[node] = inputs[0]
        elif kind == "div" and not own and [found[each].name for each in inputs] == ["sum"]:
            at[node] = inputs[0]
            found[inputs[0]] = dataclasses.replace(found[inputs[0]], name="mean")
        elif inputs:
            fresh = [name for name in own if name not in counted]
            counted.update(fresh)
            count = sum(program.state_dict[name].numel() for name in fresh)
            at[node] = len(found)
            found.append(Operation(_name(node, kind, own, program.state_dict), _shape(node), count, inputs))
    return found


def _kind(node: Any) -> str:
    """Such as ``conv2d``, of ``aten.conv2d.default``."""
    parts = str(node.target).split(".")
    return parts[1] if len(parts) > 1 else node.target.__name__


def _shape(node: Any) -> tuple[int, ...]:
    """Of the result, or of the first of several, without a batch of one."""
    value = node.meta["val"]
    shape = tuple((value[0] if isinstance(value, list | tuple) else value).shape)
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def _name(node: Any, kind: str, own: list[str], weights: dict[str, torch.Tensor]) -> str:
    word = WORDS.get(kind, kind.strip("_"))
    where = own[0].removeprefix("block.").rpartition(".")[0] if own else ""
    if kind.startswith("conv") and own:
        size = "×".join(map(str, weights[own[0]].shape[2:]))
        return f"{where}\n{size} convolution"
    if kind == "linear" and own:
        outs, ins = weights[own[0]].shape
        return f"{where}\nlinear {ins} → {outs}"
    if own:
        return f"{word} {own[0].rpartition('.')[2]}"
    if kind == "scaled_dot_product_attention":
        scale = node.kwargs.get("scale") or _shape(node)[-1] ** -0.5
        return word if math.isclose(scale, 1) else f"softmax({scale:.3g} Q Kᵀ) V"
    numbers = [each for each in node.args if isinstance(each, int | float)]
    return f"{word} {numbers[0]:g}" if kind in ("mul", "div", "add", "sub") and numbers else word
