"""The check of a block before it is used: what it finds, and what it says of those that are unfit."""

import re
import sys

import pytest

from cnntention.__main__ import main
from cnntention.attention import registry
from cnntention.network.specs import Attention
from cnntention.workflow import check_block as module

BLOCK = """
import torch
from torch import nn
from cnntention.attention.registry import register

@register("faulty", kind={{"enum": ["fit", "other"], "default": "fit", "description": "x"}})
class Faulty(nn.Module):
    def __init__(self, channels, kind):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)
        self.idle = nn.Parameter(torch.ones(1)) if {idle} else None

    def forward(self, x):
        y = self.conv(x)
        return {result}
"""
HAVE_TO = {
    "keeps the shape": module._shape,
    "gives every parameter a gradient": module._gradients,
    "is deterministic": module._deterministic,
    "can be compiled": module._compiles,
    "survives bf16": module._bf16,
}


@pytest.fixture
def written(tmp_path, monkeypatch, request):
    """A block in a file of the working directory, its name another each time, as imported modules stay."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(result: str, idle: bool = False) -> str:
        name = f"block_{abs(hash(request.node.name))}"
        (tmp_path / f"{name}.py").write_text(BLOCK.format(result=result, idle=idle), encoding="utf-8")
        return f"{name}.py:Faulty"

    return write


@pytest.mark.parametrize(
    ("result", "idle", "check", "message"),
    [
        ("y[:, :, ::2]", False, "keeps the shape", r"\(4, 16, 32, 32\) becomes \(4, 16, 16, 32\)"),
        ("y + nn.functional.avg_pool2d(y, 8).mean()", False, "keeps the shape", "RuntimeError: "),
        ("y", True, "gives every parameter a gradient", "none for idle"),
        ("y.detach()", False, "gives every parameter a gradient", "none for conv.weight, conv.bias"),
        ("y + torch.rand_like(y)", False, "is deterministic", "another answer or gradient the second time"),
        ("(y / 0).nan_to_num(posinf=0) / 0", False, "survives bf16", "a number is infinite or NaN"),
        ("y.view(3)", False, "keeps the shape", "RuntimeError: shape"),
    ],
)
def test_an_unfit_block_fails_its_check_and_the_reason_is_said(written, result, idle, check, message):
    attention = Attention(written(result, idle), "plain", {"kind": "fit"})
    found = module._result(check, HAVE_TO[check], attention)
    assert found.passed is False
    assert re.search(message, found.details), found.details


@pytest.mark.parametrize("name", ["selfatt", "cbam", "eca"])
def test_our_blocks_pass(name):
    options = {key: schema["default"] for key, schema in registry.find(name).options.items()}
    results = [module._result(what, check, Attention(name, "plain", options)) for what, check in HAVE_TO.items()]
    assert [result for result in results if not result.passed] == []


def test_a_block_that_cannot_be_one_graph_is_compiled_in_parts(written):
    attention = Attention(written("y * float(y.detach().mean() > 9) + y"), "plain", {"kind": "fit"})
    assert module._result("can be compiled", module._compiles, attention).details == "in several graphs"


def test_parameters_are_shown_beside_those_of_our_blocks():
    """The published counts: 286,189 and 291,677 with three gates, 270,691; 269,722 without attention."""
    details = module._parameters(module.BESIDE["MHA"])
    assert details.startswith("21,952 more than ResNet-20's 269,722 (SelfAtt 16,464, MHA 21,952, CBAM-16 969, ")


def test_the_command_ends_with_a_table_and_an_error_where_a_check_fails(written, capsys, monkeypatch):
    monkeypatch.setattr(module, "_onnx", lambda attention: "as torch's")
    monkeypatch.setattr(module, "_time", lambda attention: "1.00 times the baseline's")
    name = written("y", idle=True)
    with pytest.raises(SystemExit) as caught:
        main(["check-block", name, "--options", "{kind: other}"])
    assert str(caught.value) == f"error: {name}: not every check is passed"
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["Check", "Result", "Details"]
    assert [row[34:38] for row in rows[2:]] == ["pass", "FAIL", "pass", "pass", "pass", "pass", "    ", "    ", "    "]


def test_a_block_that_breaks_the_network_has_its_table_too(written, monkeypatch):
    """What is done to the gate in place leaves the network's backward pass without it."""
    monkeypatch.setattr(module, "_onnx", lambda attention: "as torch's")
    found = {result.check: result for result in module.check_block(written("x.mul_(y.sigmoid())"), {})}
    assert found["keeps the shape"].passed
    assert found["time of a step"].passed is False
    assert "modified by an inplace operation" in found["time of a step"].details
    assert found["parameters"].passed is None


def test_a_block_that_export_would_refuse_is_unfit(monkeypatch):
    monkeypatch.setattr(module, "onnx_difference", lambda block, images: 3e-3)
    found = module._result("can be exported to ONNX", module._onnx, module.BESIDE["ECA"])
    assert found.passed is False
    assert "differs from torch's by 3e-03" in found.details


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mah"], "error: check-block.block: no block registers the name 'mah'; did you mean 'mha'?"),
        (["mha", "--options", "{heads: 3}"], "error: check-block.options.heads: 3 does not divide the 16 channels"),
        (["mha", "--options", "heads"], "error: --options: 'heads' is no map in YAML, such as '{reduction: 8}'"),
    ],
)
def test_a_wrong_use_ends_with_one_line(arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(["check-block", *arguments])
    assert str(caught.value).startswith(message)
