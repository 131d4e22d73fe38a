"""The page of conclusions of a published study: what its instruments found, written from their tables alone."""

import json
from pathlib import Path

import yaml

from cnntention.instruments import registry
from docs.blocks import bullets

RULE = (
    "Each sentence is made from the numbers of its table. One thing is said to be more than another only where a 95% "
    "interval says so; what is open is said to be open."
)


def page(folder: Path, of: str) -> str:
    """The text of ``conclusions.md``, which also names the instruments that have not measured yet.

    Args:
        folder: of the published study.
        of: whose networks they are, after "What attention does in".
    """
    parts = [
        f"# What attention does in {of}",
        f"Generated from the tables in [instruments](instruments/) beside this page. {RULE}",
    ]
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    measured = _measured(folder, config)
    for name, table in measured.items():
        parts += _section(folder, name, table, registry.catalogue()[config["instruments"][name]["kind"]].file)
    waiting = [stanza["caption"] for name, stanza in config["instruments"].items() if name not in measured]
    if waiting:
        parts += ["## Not measured yet", bullets(waiting)]
    return "\n\n".join(parts) + "\n"


def tables(folder: Path, config: dict) -> list[str]:
    """A link to the table of each instrument that has measured something."""
    return [f"[{table['caption']}](instruments/{name}.md)" for name, table in _measured(folder, config).items()]


def _measured(folder: Path, config: dict) -> dict[str, dict]:
    """The tables that there are, by the name of their stanza."""
    paths = {name: folder / f"instruments/{name}.json" for name in config["instruments"]}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.is_file()}


def _section(folder: Path, name: str, table: dict, source: str) -> list[str]:
    """Findings, picture, and where the numbers are."""
    about, measured, *_ = table["notes"]
    return [
        f"## {table['caption']}",
        *([bullets(table["findings"])] if table["findings"] else []),
        *([f"![{table['caption']}](instruments/{name}.png)"] if (folder / f"instruments/{name}.png").is_file() else []),
        f"{measured} [The numbers](instruments/{name}.md), by [{Path(source).name}](../../{source}). {about}",
    ]
