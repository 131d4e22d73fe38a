"""Weights from elsewhere: what is read, renamed and fitted, and what is refused by name."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cnntention.base.errors import CheckpointError
from cnntention.network import weights

STATE = {"a.weight": torch.arange(4.0).reshape(2, 2), "a.bias": torch.tensor([1.0, -1.0])}


class Code:
    def __reduce__(self):
        return os.mkdir, ("made-by-code",)


def refusal(function, *arguments) -> str:
    with pytest.raises(CheckpointError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "best_prec1": 91.7},
        {"model": STATE, "epoch": 3},
        {"model": {"state_dict": {f"module.{name}": tensor for name, tensor in STATE.items()}}},
    ],
    ids=["state dict", "state_dict", "model", "nested, of DataParallel"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_weights_are_read_from_wherever_they_lie_in_the_file(tmp_path, content, zipped):
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    found = weights.read(tmp_path / "w.pth")
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_weights_are_read_from_safetensors(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    assert torch.equal(weights.read(tmp_path / "w.safetensors")["a.weight"], STATE["a.weight"])
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:-3])
    assert "damaged, or no file of safetensors" in refusal(weights.read, tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"w": Code()}, "holds code (posix.mkdir), which is never run"),
        (nn.Linear(2, 2), "holds code (torch.nn.modules.linear.Linear), which is never run"),
        ([torch.ones(2)], "holds no weights by name, but a value of the type list"),
        ({0: torch.ones(2)}, "has a value of the type int where names of weights should be"),
        ({"state_dict": {}}, "holds no weights by name, but nothing"),
        ({"a.weight": torch.ones(2), "epoch": 3}, "'epoch' is a value of the type int and no tensor"),
    ],
    ids=["code", "a whole model", "a list", "a number for a name", "nothing", "a number"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_what_holds_no_weights_is_refused_and_no_code_is_run(tmp_path, monkeypatch, content, expected, zipped):
    monkeypatch.chdir(tmp_path)
    torch.save(content, "w.pth", _use_new_zipfile_serialization=zipped)
    assert refusal(weights.read, "w.pth").startswith(f"w.pth: {expected}")
    assert sorted(os.listdir()) == ["w.pth"]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("kept", [0, 3, 0.5, 0.99])
def test_a_truncated_file_is_damaged(tmp_path, zipped, kept):
    path = tmp_path / "w.pth"
    torch.save({"a": torch.ones(1000)}, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: kept if kept > 1 else int(kept * path.stat().st_size)])
    assert "damaged, or no file of torch" in refusal(weights.read, path)


def test_a_pickle_of_anything_is_refused_and_no_code_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        Path("w.pth").write_bytes(pickle.dumps({"a": Code()}, protocol))
        assert refusal(weights.read, "w.pth").endswith(
            "what is needed is a model's state_dict(), as torch.save writes it"
        )
    assert os.listdir() == ["w.pth"]


def test_a_missing_file_and_one_of_anything_else_are_named(tmp_path):
    assert refusal(weights.read, tmp_path / "w.pth") == f"{tmp_path / 'w.pth'}: no such file"
    (tmp_path / "w.pth").write_text("<html>404</html>")
    assert "damaged, or no file of torch" in refusal(weights.read, tmp_path / "w.pth")


def test_patterns_come_one_after_the_other_so_that_two_names_can_change_places():
    swap = [["query", "the-key"], ["key$", "query"], ["the-query", "key"]]
    found = weights.rename({"1.query": torch.zeros(1), "1.key": torch.ones(1)}, swap, "w.pth")
    assert {name: tensor.item() for name, tensor in found.items()} == {"1.key": 0, "1.query": 1}
    assert list(weights.rename(STATE, [[r"^(\w)\.", r"stages.\1."]], "w.pth")) == ["stages.a.weight", "stages.a.bias"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([["^b", "c"]], "w.pth: rename: '^b' is found in none of a.weight, a.bias"),
        ([["weight|bias", "x"]], "w.pth: rename: 'a.weight' and 'a.bias' both become 'a.x'"),
        ([["a", r"\1"]], r"w.pth: rename ['a', '\1'] is not possible: invalid group reference"),
        ([["a", r"\g<x>"]], r"w.pth: rename ['a', '\g<x>'] is not possible: unknown group name 'x'"),
    ],
)
def test_patterns_that_cannot_be_meant_are_refused(patterns, expected):
    assert refusal(weights.rename, STATE, patterns, "w.pth").startswith(expected)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 2)
        self.bn = nn.BatchNorm2d(2)
        self.gate = nn.Parameter(torch.zeros(()))


def state_of_small(**changes) -> dict:
    torch.manual_seed(1)
    whole = {name: torch.randn(tensor.shape) for name, tensor in Small().state_dict().items()}
    return {name: tensor for name, tensor in (whole | changes).items() if tensor is not None}


def test_a_gate_of_one_element_and_no_counter_fit():
    model = Small()
    state = state_of_small(gate=torch.tensor([0.5]), **{"bn.num_batches_tracked": None})
    weights.fit(model, state, "w.pth", print)
    assert model.gate.item() == 0.5
    assert model.gate.shape == ()
    assert torch.equal(model.a.weight, state["a.weight"])
    assert model.bn.num_batches_tracked == 0


def test_what_does_not_fit_is_named_and_nothing_is_taken():
    model, lines = Small(), []
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    changes = {"a.bias": None, "b.bias": torch.ones(2), "a.weight": torch.ones(2, 3), "bn.weight": torch.ones(2) / 0}
    message = refusal(weights.fit, model, state_of_small(**changes, gate=torch.ones(1, 1)), "w.pth", lines.append)
    assert message == (
        "w.pth: does not fit the model, missing: a.bias; left over: b.bias; of another shape: gate [1, 1] for [], "
        "a.weight [2, 3] for [2, 2]; not finite: bn.weight"
    )
    assert "missing: a.bias" in lines
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_of_many_names_the_message_has_the_first_and_the_log_all():
    lines: list[str] = []
    message = refusal(weights.fit, Small(), {f"layer{i}": torch.ones(1) for i in range(9)}, "w.pth", lines.append)
    assert "left over: layer0, layer1, layer2, layer3, layer4 and 4 more" in message
    assert "left over: layer8" in lines
