"""The page of conclusions of a published study: what its instruments found, written from their tables alone."""

import json
from pathlib import Path

import yaml

from cnntention.instruments import registry

RULE = (
    "Each sentence is made from the numbers of its table. One thing is said to be more than another only where a 95% "
    "interval says so; what is open is said to be open."
)


def page(folder: Path, of: str) -> str:
    """The text of ``conclusions.md``; of instruments that have not measured yet, nothing.

    Args:
        folder: of the published study.
        of: whose networks they are, after "What attention does in".
    """
    parts = [
        f"# What attention does in {of}",
        f"Generated from the tables in [instruments](instruments/) beside this page. {RULE}",
    ]
    for name, stanza in yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))["instruments"].items():
        if (folder / f"instruments/{name}.json").is_file():
            parts += _section(folder, name, stanza)
    return "\n\n".join(parts) + "\n"


def _section(folder: Path, name: str, stanza: dict) -> list[str]:
    """Findings, picture, and where the numbers are."""
    table = json.loads((folder / f"instruments/{name}.json").read_text(encoding="utf-8"))
    about, measured, *_ = table["notes"]
    return [
        f"## {table['caption']}",
        *(["\n".join(f"- {finding}" for finding in table["findings"])] if table["findings"] else []),
        *([f"![{table['caption']}](instruments/{name}.png)"] if (folder / f"instruments/{name}.png").is_file() else []),
        f"{measured} [The numbers](instruments/{name}.md), by "
        f"[{Path(registry.catalogue()[stanza['kind']].file).name}](../../{registry.catalogue()[stanza['kind']].file}). "
        f"{about}",
    ]
