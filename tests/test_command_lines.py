"""Every command line that the docs and the configs show is one that the program's own parser takes as it is meant."""

import re
import shlex

import pytest
from conftest import ROOT

from cnntention.workflow.arguments import parser

PLACES = [
    "README.md",
    "CONTRIBUTING.md",
    "config.yaml",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
PLACES += [
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("configs/*.yaml"), *ROOT.glob("profiles/*/*.yaml")]
]
LINE = re.compile(
    r"^(?:#\s+)?(?:[\w ,:]+: )?(?:[A-Z_]+=\S+ )?(?:python -m )?((?:snakemake|cnntention) .*)$", re.MULTILINE
)
INLINE = re.compile(r"`(?:python -m )?((?:snakemake|cnntention) [^`]*)`")


def shown(program: str) -> list[str]:
    """What follows the program's name in each line that is a command of its own, or stands in backticks."""
    found: dict[str, None] = {}
    for place in PLACES:
        text = (ROOT / place).read_text(encoding="utf-8")
        blocks = text
        if place.endswith(".md"):
            blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
        for command in [*LINE.findall(blocks), *INLINE.findall(text)]:
            name, _, arguments = command.partition(" ")
            if name == program and not arguments.startswith(("call ", "is ")):
                found[arguments] = None
    return list(found)


def is_meant(arguments: str) -> bool:
    """Whether Snakemake takes each word as meant: ``--configfile`` takes all that follows for files, up to ``--``."""
    words = shlex.split(arguments, comments=True)
    try:
        parsed = pytest.importorskip("snakemake.cli").get_argument_parser().parse_args(words)
    except (SystemExit, Exception):
        return False
    files = [str(file) for file in parsed.configfile or ()]
    # a target follows --, or nothing stands before it
    in_order = not parsed.targets or "--" in words or words == parsed.targets
    return in_order and all(file.endswith(".yaml") for file in files)


@pytest.mark.parametrize("arguments", shown("snakemake"))
def test_a_command_of_snakemake_means_what_it_looks_like(arguments):
    assert is_meant(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        "--configfile configs/demo.yaml tables",
        "--cores 8 --resources gpu=1 results/tables/table3.md",
        "--resources gpu=1 tables",
        "--cores 8 tables --nonsense",
    ],
)
def test_a_target_that_an_option_swallows_is_noticed(arguments):
    assert not is_meant(arguments)


@pytest.mark.parametrize("arguments", shown("cnntention"))
def test_a_command_of_cnntention_is_one(arguments):
    parser(None).parse_args(shlex.split(arguments, comments=True))


def test_there_are_commands_to_check():
    assert len(shown("snakemake")) >= 15
    assert len(shown("cnntention")) >= 3
