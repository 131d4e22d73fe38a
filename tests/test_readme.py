"""The README says what is."""

import re

import yaml
from conftest import ROOT

from cnntention.attention.registry import catalogue
from cnntention.study.study import Run, Study

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_demos_table_is_the_published_one():
    block = re.search(r"<!-- table3 of the demo: make docs -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)
    assert block[1] == (ROOT / "docs/demo/table3.md").read_text(encoding="utf-8")


def test_every_picture_and_file_that_it_links_is_there():
    links = re.findall(r"\]\(([^)#][^)]*)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_every_make_target_and_overlay_that_it_names_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?<!\w)make (\w[\w-]*)(?:`| -->)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for overlay in re.findall(r"configs/[\w-]+\.yaml", README):
        assert overlay == "configs/mine.yaml" or (ROOT / overlay).is_file(), overlay


def test_the_example_of_a_new_block_does_not_exist_yet():
    """Else the README would show how to add what is there."""
    assert "se" not in catalogue()
    stanza = re.search(r"```yaml\n(models:\n  se-16:.*?)```", README, flags=re.DOTALL)
    assert yaml.safe_load(stanza[1])["models"]["se-16"]["attention"]["block"] == "se"


def test_the_example_of_a_claim_is_one_of_the_models_that_it_shows_how_to_add():
    """The stanzas of model and claim together are a valid overlay, but for the block that is to be written."""
    model, claim = (
        yaml.safe_load(re.search(rf"```yaml\n({start}.*?)```", README, flags=re.DOTALL)[1])
        for start in ("models:\n  se-16:", "tables:\n  claims:")
    )
    model["models"]["se-16"]["attention"]["block"] = "cbam"
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["models"] |= model["models"]
    config["tables"]["claims"]["claims"] |= claim["tables"]["claims"]["claims"]
    assert Run("cifar10", "se-16", "full", 10) in Study(config).runs()
