"""HTML pages that need no other file: a browser shows them as they are, and the report shows them inside itself."""

import html
import re
from collections.abc import Iterable

import pandas as pd
from tabulate import tabulate

LONG = 30
"""Cells of so many characters may be broken anywhere: they are sentences, not a number with its interval."""

# Below one class, since the report puts the overview into a page of its own.
_STYLE = """
.page { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff; max-width: 75rem; margin: 0 auto;
  padding: 1rem 1.5rem; }
.page h1 { font-size: 1.4em; font-weight: 700; margin: 0.2em 0 0.8em; }
.page h2 { font-size: 1.1em; font-weight: 700; margin: 1.6em 0 0.5em; }
.page p { font-size: 0.9em; color: #52606d; margin: 0.5em 0; max-width: 60rem; }
.page ul { margin: 0.8em 0; padding-left: 1.3em; max-width: 60rem; }
.page table { border-collapse: collapse; font-size: 0.9em; font-variant-numeric: tabular-nums; width: auto;
  margin: 0; }
.page th, .page td { text-align: left; vertical-align: top; padding: 0.35em 0.8em 0.35em 0.3em;
  border-bottom: 1px solid #e4e7eb; }
.page thead th { font-weight: 600; border-bottom: 2px solid #9aa5b1; vertical-align: bottom; }
.page thead ~ tbody td { white-space: nowrap; }
.page thead ~ tbody td.long { white-space: normal; min-width: 9em; }
.page wbr { white-space: normal; }
.page tbody th { font-weight: 600; white-space: nowrap; }
"""


def page(title: str, *parts: str) -> str:
    """A page: its title as a heading, then its parts, which are HTML already."""
    shown = html.escape(title)
    head = f'<meta charset="utf-8">\n<title>{shown}</title>\n<style>{_STYLE}</style>'
    body = "\n".join([f"<h1>{shown}</h1>", *parts])
    return f'<!doctype html>\n<html lang="en">\n{head}\n<main class="page">\n{body}\n</main>\n</html>\n'


def heading(text: str) -> str:
    """A heading inside a page."""
    return f"<h2>{html.escape(text)}</h2>"


def paragraphs(texts: Iterable[str]) -> str:
    """One paragraph for each text."""
    return "\n".join(f"<p>{html.escape(text)}</p>" for text in texts)


def bullets(texts: Iterable[str]) -> str:
    """A list, one item for each text."""
    return "\n".join(["<ul>", *(f"<li>{html.escape(text)}</li>" for text in texts), "</ul>"])


def table(shown: pd.DataFrame) -> str:
    """A data frame of text, under its column names."""
    text = tabulate(shown, headers="keys", tablefmt="html", showindex=False, disable_numparse=True)
    text = re.sub(rf"<td>(?=[^<]{{{LONG},}}</td>)", '<td class="long">', text)
    # A cell that has to be broken is broken before a bracket or a clause, not within a number.
    return re.sub(r"(?<= )(?=[(\[])|(?<=, )(?=[a-z])", "<wbr>", text)


def pairs(named: dict[str, str]) -> str:
    """Names and what there is to say about each, one row for each name."""
    rows = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in named.items()]
    return "\n".join(["<table><tbody>", *rows, "</tbody></table>"])
