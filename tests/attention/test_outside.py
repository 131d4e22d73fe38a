"""Blocks of somebody else: found where they lie, read without being run, followed to what they import."""

import os
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, SMALL
from run_specs import run_spec

from cnntention.attention import registry
from cnntention.base import specs
from cnntention.base.errors import CheckpointError, ConfigError
from cnntention.instruments.registry import lacks
from cnntention.network.specs import Attention
from cnntention.study.blocks import located
from cnntention.study.study import Study
from cnntention.training import checkpoint

BLOCK = """
import torch
from torch import nn
from cnntention.attention import registry
{imports}

@registry.register("times", factor={{"type": "number", "default": 2.0}})
class Times(nn.Module):
    def __init__(self, channels, factor):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), factor))

    def forward(self, x):
        return x * self.weight
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working directory, empty; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path: Path, imports: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(BLOCK.format(imports=imports), encoding="utf-8")


def files_of(block: str) -> set[str]:
    """The files from outside that a block rests on, from the working directory."""
    found = {os.path.relpath(ROOT / file) for file in registry.files(block, {})}
    return {file for file in found if not (Path(file).resolve()).is_relative_to(ROOT)}


def study(block: str, **options) -> Study:
    attention = {"block": block, "residual": "plain", "options": options}
    return Study(SMALL | {"models": {"own": SMALL["models"]["baseline"] | {"attention": attention}}})


def test_a_file_brings_what_it_imports_from_its_folder(folder):
    write(folder / "mine/times.py", "import numpy, helper\nfrom parts import one")
    (folder / "mine/helper.py").write_text("import json", encoding="utf-8")
    for name in ("__init__", "one", "unused"):
        (folder / f"mine/parts/{name}.py").parent.mkdir(exist_ok=True)
        (folder / f"mine/parts/{name}.py").write_text("", encoding="utf-8")
    expected = {"mine/times.py", "mine/helper.py", "mine/parts/__init__.py", "mine/parts/one.py"}
    assert files_of("mine/times.py:Times") == expected
    assert "cnntention/attention/registry.py" in registry.files("mine/times.py:Times", {})
    block = registry.create("mine/times.py:Times", 4, factor=3.0)
    assert torch.equal(block(torch.ones(1, 4, 2, 2)), torch.full((1, 4, 2, 2), 3.0))


@pytest.mark.parametrize("installed", [False, True])
def test_a_module_brings_what_it_imports_from_its_package_however_it_says_so(folder, installed, monkeypatch):
    root = folder / "site" if installed else folder
    write(root / "lib/deep/times.py", "from . import near\nfrom ..far import thing\nimport lib.other, beside")
    for name in ("lib/__init__", "lib/far", "lib/other", "lib/deep/near", "beside", "lib/unused"):
        (root / f"{name}.py").write_text("thing = 1", encoding="utf-8")
    monkeypatch.syspath_prepend(root)
    names = ("__init__", "far", "other", "deep/near", "deep/times")
    expected = {os.path.relpath(root / f"lib/{name}.py") for name in names}
    assert files_of("lib.deep.times:Times") == expected
    assert type(registry.create("lib.deep.times:Times", 4, factor=1.0)).__module__ == "lib.deep.times"


def test_its_options_are_checked_and_filled_in_without_running_it(folder):
    write(folder / "times.py", "raise RuntimeError('run')")
    own = study("times.py:Times")
    assert own.config["models"]["own"]["attention"]["options"] == {"factor": 2.0}
    assert "times.py" in {os.path.relpath(ROOT / file) for file in own.attention_files("own")}
    with pytest.raises(ConfigError, match=r"attention\.options\.factor: a finite number is expected"):
        study("times.py:Times", factor="2")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("absent.py:Times", "there is no file absent.py, in the working directory or beside the config"),
        ("times.py:Tims", "times.py registers no class 'Tims'; did you mean 'Times'?"),
        ("bare.py:Bare", "bare.py registers no class 'Bare'; put @register(...) above the class"),
        ("times:Times", "times is neither a file (NAME.py) nor a module of a package (PACKAGE.MODULE)"),
        ("no.module:Times", "there is no module no.module, in the working directory or where Python looks"),
        ("odd-name.py:Times", "odd-name.py cannot be imported; a Python file's name is of letters, digits and '_'"),
        ("broken.py:Times", "broken.py: line 1: "),
        ("importing.py:Times", "broken.py, line 1"),
        ("relative.py:Times", "relative.py: use absolute imports"),
        ("times.py", "no block registers the name 'times.py'"),
        ("times.py:", "a block is a registered name, FILE.py:CLASS or PACKAGE.MODULE:CLASS"),
    ],
)
def test_what_is_no_block_is_refused_with_one_line(folder, block, message):
    write(folder / "times.py")
    write(folder / "odd-name.py")
    write(folder / "importing.py", "import broken")
    write(folder / "relative.py", "from . import times")
    (folder / "bare.py").write_text("class Bare: pass", encoding="utf-8")
    (folder / "broken.py").write_text("class A:", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        study(block)
    _, line = str(caught.value).split("\n")
    assert line.startswith("  models.own.attention.block: ")
    assert message in line


def test_another_module_of_its_name_is_not_taken_for_it(folder):
    write(folder / "types.py")
    with pytest.raises(ConfigError, match=r"Python takes 'types' from .*; rename the file"):
        registry.create("types.py:Times", 4, factor=1.0)


def test_a_block_of_timm_without_timm_is_refused_with_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setitem(sys.modules, "timm.layers", None)
    with pytest.raises(ConfigError, match=r"timm/eca needs timm: pip install '\.\[timm\]'"):
        registry.create("timm/eca", 4)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"own\.attention\.block: timm/eca needs timm, which is not installed here"):
        study("timm/eca")


def test_a_file_in_a_parallel_path_is_found_and_counts_as_well(folder):
    write(folder / "over/times.py")
    paths = [{"block": "eca"}, {"block": "times.py:Times"}]
    attention = {"block": "parallel", "residual": "plain", "options": {"paths": paths}}
    config = SMALL | {"models": {"own": SMALL["models"]["baseline"] | {"attention": attention}}}
    own = Study(located(config, ["over/mine.yaml"]))
    found = own.config["models"]["own"]["attention"]["options"]["paths"]
    assert found[1] == {"block": "over/times.py:Times", "options": {"factor": 2.0}}
    assert "over/times.py" in {os.path.relpath(ROOT / file) for file in own.attention_files("own")}


def test_a_file_beside_the_config_is_named_from_the_working_directory(folder):
    for place in ("base/a.py", "over/a.py", "over/b.py", "b.py"):
        write(folder / place)
    blocks = {name: {"attention": {"block": f"{name}.py:Times"}} for name in ("a", "b", "c")}
    found = located({"models": blocks}, ["base/config.yaml", "over/mine.yaml"])["models"]
    assert [model["attention"]["block"] for model in found.values()] == ["over/a.py:Times", "b.py:Times", "c.py:Times"]
    as_snakemake_names_them = [os.path.abspath(file) for file in ("base/config.yaml", "over/mine.yaml")]
    assert located({"models": blocks}, as_snakemake_names_them)["models"] == found


def test_a_checkpoint_is_read_where_its_block_is(folder):
    write(folder / "times.py")
    spec = run_spec(attention=Attention("times.py:Times", "plain", {"factor": 1.5}))
    model = checkpoint.build(spec, 3, 2)
    checkpoint.save("model.pt", model, spec, ["a", "b"], "0" * 64, {})
    loaded = checkpoint.load("model.pt")
    assert specs.digest(loaded.spec) == specs.digest(spec)
    assert torch.equal(loaded.model.attention[2].block.weight, torch.full((64, 1, 1), 1.5))
    (folder / "elsewhere").mkdir()
    os.chdir("elsewhere")
    with pytest.raises(CheckpointError, match=r"its attention block cannot be built here: there is no file times\.py"):
        checkpoint.load("../model.pt")


INHERITED = """
import torchvision
from cnntention.attention import mha, registry
from cnntention.attention.mha import MultiHeadAttention as Known

@registry.register("by-module")
class ByModule(mha.MultiHeadAttention): ...

@registry.register("by-alias")
class ByAlias(Known): ...

@registry.register("of-others")
class OfOthers(torchvision.ops.SqueezeExcitation): ...

@registry.register("of-nobody")
class OfNobody(mha.nn.Module): ...
"""


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("ByModule", ""), ("ByAlias", ""), ("OfOthers", ""), ("OfNobody", "an attention block without weights")],
)
def test_what_a_block_inherits_counts_and_what_cannot_be_known_is_not_denied(folder, name, lacking):
    (folder / "inherited.py").write_text(INHERITED, encoding="utf-8")
    assert lacks("attention_statistics", {"block": f"inherited.py:{name}", "options": {}}) == lacking
