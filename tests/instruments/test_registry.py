"""Which instruments there are: their files are read and not imported."""

import subprocess
import sys

import pytest
from conftest import ROOT

from cnntention.base.errors import ConfigError
from cnntention.instruments import registry
from cnntention.study.schema import problems


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of instruments, without any."""
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    registry.catalogue.cache_clear()
    yield tmp_path
    registry.catalogue.cache_clear()


def test_a_file_is_an_instrument_with_its_options(folder):
    (folder / "count.py").write_text(
        'import torch\n\nABOUT = "Counts."\nNEEDS: str = "attention"\n'
        'OPTIONS = {"least": {"type": "integer", "default": 1}}\n'
    )
    (folder / "helper.py").write_text("def measure(): ...\n")
    assert list(registry.catalogue()) == ["count"]
    assert registry.catalogue()["count"].file == "cnntention/instruments/count.py"
    stanza = {"kind": "count", "caption": "Counts"}
    assert problems(registry.schema({"caption": {"type": "string"}}), stanza, "instruments.x") == []
    assert stanza == {"kind": "count", "caption": "Counts", "least": 1}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("ABOUT = 'x'\nNEEDS = ''\n", "an instrument needs OPTIONS"),
        ("ABOUT = 'x'\nNEEDS = ''\nOPTIONS = dict(a=1)\n", "use literals"),
        ("ABOUT = 'x'\nNEEDS = ''\nOPTIONS = {}\nLEAST_IMAGES = 1 + 1 * x\n", "use literals"),
        ("ABOUT = 'x\n", "line 1: unterminated string"),
    ],
)
def test_a_faulty_file_is_named(folder, source, message):
    (folder / "faulty.py").write_text(source)
    with pytest.raises(ConfigError, match=rf"faulty.py: .*{message}"):
        registry.catalogue()


@pytest.mark.parametrize(
    ("kind", "block", "lacking"),
    [
        ("ablation", "cbam", ""),
        ("ablation", None, "no attention"),
        ("attention_statistics", "mha-uniform", ""),
        ("attention_statistics", "cbam-constant", "an attention block without weights"),
    ],
)
def test_what_an_instrument_needs_is_looked_for_in_the_block(kind, block, lacking):
    assert registry.lacks(kind, block and {"block": block, "options": {}}) == lacking


def test_the_catalogue_is_read_without_torch():
    code = (
        "import sys; from cnntention.instruments.registry import catalogue, lacks; "
        "lacks('attention_statistics', {'block': 'mha', 'options': {}}); "
        "assert catalogue() and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
