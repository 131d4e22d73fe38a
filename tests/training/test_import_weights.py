"""Importing a network: ours under others' names comes back as it was, and says where it comes from."""

import dataclasses
import hashlib
import re

import pytest
import torch
import yaml
from conftest import ROOT
from run_specs import CBAM, MHA, NORMALIZATION, SELFATT, files_in
from test_dataset import separable, write_prepared

from cnntention.base.device import Machine
from cnntention.base.errors import CheckpointError
from cnntention.base.layout import DataFiles
from cnntention.evaluation.evaluate import evaluate
from cnntention.network.specs import Weights
from cnntention.training import checkpoint
from cnntention.training.import_weights import import_weights
from cnntention.training.specs import ImportSpec

PUBLISHED = yaml.safe_load((ROOT / "configs/published.yaml").read_text(encoding="utf-8"))["models"]
EXAMPLE = yaml.safe_load(
    re.search(r"```yaml\n(.*?)```", (ROOT / "docs/imports.md").read_text(encoding="utf-8"), flags=re.DOTALL)[1]
)
OURS = {"baseline": None, "selfatt": SELFATT, "mha": MHA, "cbam-16": CBAM}
# What each piece of our network is called in the authors' files; their MHA has query and key in each other's place.
TRUNK = {"conv.": "conv1.", "bn.": "bn1.", **{f"stages.{stage}.": f"layer{stage + 1}." for stage in range(3)}}
BLOCKS = {
    "selfatt": {"gate": "weights", "block.": ""},
    "mha": {
        "gate": "weights",
        "block.query": "key",
        "block.key": "query",
        "block.value": "val",
        "block.output": "linear",
    },
    "cbam-16": {"block.channel.mlp": "channel_attention.mlp", "block.spatial.conv": "spatial_attention.conv"},
}


def theirs(name: str, model: str) -> str:
    """The authors' name of one of our weights."""
    block = re.match(r"attention\.(\d)\.(.*)", name)
    names, prefix, rest = (BLOCKS[model], f"att{int(block[1]) + 1}.", block[2]) if block else (TRUNK, "", name)
    ours = next((own for own in names if rest.startswith(own)), "")
    return prefix + names.get(ours, "") + rest.removeprefix(ours)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_prepared(tmp_path_factory.mktemp("data"), separable(train=30, test=30))


def spec(path, rename=(), attention=None, **changes) -> ImportSpec:
    made = ImportSpec(
        dataset="separable",
        model="theirs",
        split="full",
        seed=0,
        validation_images=0,
        normalization=NORMALIZATION,
        depth=20,
        attention=attention,
        weights=Weights(path=str(path), trained="by others", rename=tuple(map(tuple, rename))),
    )
    return dataclasses.replace(made, **changes)


def ours(attention, seed=1):
    """A network whose gates are open."""
    torch.manual_seed(seed)
    model = checkpoint.build(spec("", attention=attention), 1, 3)
    for parameter in model.parameters():
        if parameter.ndim < 2:
            torch.nn.init.uniform_(parameter, 0.2, 1.2)
    return model.eval()


def same(model, other) -> bool:
    images = torch.rand(5, 1, 8, 8)
    with torch.no_grad():
        return torch.equal(model(images), other(images))


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_the_patterns_for_the_published_networks_find_each_weight_its_place(tmp_path, paths, name, dataset):
    model = ours(OURS[name])
    state = {theirs(own, name): tensor for own, tensor in model.state_dict().items()}
    state = {own: tensor.reshape(1) if own.endswith(".weights") else tensor for own, tensor in state.items()}
    torch.save(state, tmp_path / "params.pth")
    given = spec(tmp_path / "params.pth", PUBLISHED[name]["weights"][dataset]["rename"], OURS[name])
    import_weights(given, files_in(tmp_path), paths[1], print)
    assert same(checkpoint.load(tmp_path / "model.pt").model, model)


def test_the_example_of_the_docs_reads_a_checkpoint_of_that_layout(tmp_path, paths):
    """``module.layer1.0.conv1.weight``, ``module.linear.weight``, and batch norms without a counter of batches."""
    model = ours(None)
    state = {
        "module." + theirs(name, "baseline").replace("fc.", "linear."): tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert {"module.layer1.0.conv1.weight", "module.linear.weight"} < state.keys()
    torch.save({"state_dict": state, "best_prec1": 91.73}, tmp_path / "resnet20.th")
    ((_, entry),) = EXAMPLE["models"]["resnet20-elsewhere"]["weights"].items()
    import_weights(spec(tmp_path / "resnet20.th", entry["rename"]), files_in(tmp_path), paths[1], print)
    assert same(checkpoint.load(tmp_path / "model.pt").model, model)


def test_the_record_says_where_the_network_comes_from_and_nothing_of_a_training(tmp_path, paths):
    model, lines = ours(SELFATT), []
    torch.save(model.state_dict(), tmp_path / "w.pth")
    given, files = spec(tmp_path / "w.pth", attention=SELFATT), files_in(tmp_path)
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    given = dataclasses.replace(given, weights=dataclasses.replace(given.weights, sha256=digest))
    import_weights(given, files, paths[1], lines.append)
    assert lines[-1].startswith(f"imported from {tmp_path / 'w.pth'}, SHA-256 {digest}; trained by others")
    assert checkpoint.load(files.model).spec == given
    report = evaluate(files, DataFiles(*paths), Machine("cpu", compile="off"))
    imported = report["training"].pop("imported")
    assert imported == {"path": str(tmp_path / "w.pth"), "sha256": digest, "trained": "by others", "source": None}
    assert set(report["training"].values()) == {None}
    assert report["attention"]["gates"] == pytest.approx([block.gate.item() for block in model.attention])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"depth": 8}, "does not fit the model, left over: stages.0.1.conv1.weight, "),
        ({"depth": 26}, "does not fit the model, missing: stages.0.3.conv1.weight, "),
        ({"attention": CBAM}, "does not fit the model, missing: attention.0.block.channel.mlp.0.weight, "),
        ({"widths": (8, 16, 32)}, "does not fit the model, of another shape: conv.weight [16, 1, 3, 3] for [8, 1, 3,"),
    ],
)
def test_a_network_of_another_architecture_is_refused_and_nothing_is_made(tmp_path, paths, changes, expected):
    torch.save(ours(None).state_dict(), tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=re.escape(f"{tmp_path / 'w.pth'}: {expected}")):
        import_weights(spec(tmp_path / "w.pth", **changes), files_in(tmp_path), paths[1], print)
    assert not (tmp_path / "model.pt").exists()


def test_another_file_than_the_one_of_the_config_is_refused_before_it_is_read(tmp_path, paths):
    (tmp_path / "w.pth").write_bytes(b"something else")
    given = spec(tmp_path / "w.pth")
    given = dataclasses.replace(given, weights=dataclasses.replace(given.weights, sha256="0" * 64))
    key = re.escape("models.theirs.weights.separable.sha256")
    with pytest.raises(CheckpointError, match=f"its SHA-256 is [0-9a-f]{{64}}, not {'0' * 64} as in {key}"):
        import_weights(given, files_in(tmp_path), paths[1], print)


def test_the_data_of_an_import_are_those_that_it_is_judged_by(tmp_path, paths):
    torch.save(ours(None).state_dict(), tmp_path / "w.pth")
    import_weights(spec(tmp_path / "w.pth"), files_in(tmp_path), paths[1], print)
    others = write_prepared(tmp_path / "others", separable(train=30, test=30, seed=1))
    with pytest.raises(CheckpointError, match="imported for data that differ from those prepared now; import this run"):
        evaluate(files_in(tmp_path), DataFiles(*others), Machine("cpu", compile="off"))
