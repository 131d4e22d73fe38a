"""A table, whatever it holds, as Markdown, CSV, LaTeX, HTML and JSON."""

import dataclasses
import json
import math
from collections.abc import Container

import pandas as pd
from tabulate import tabulate

from cnntention.base.files import write_text
from cnntention.base.words import NONE
from cnntention.reporting import pages

SUFFIXES = (".md", ".csv", ".tex", ".html", ".json")


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, as numbers and for reading.

    Attributes:
        data: plain numbers and names, as in the CSV and the JSON.
        shown: the same for reading, as text.
        caption: one line.
        notes: below the table.
        name: for LaTeX's label.
        findings: what the numbers say, in sentences, above the notes.
    """

    data: pd.DataFrame
    shown: pd.DataFrame
    caption: str
    notes: list[str]
    name: str
    findings: tuple[str, ...] = ()

    def write(self, stem: str) -> None:
        """Write ``stem`` + ``.md``, ``.csv``, ``.tex``, ``.html`` and ``.json``."""
        texts = (self.markdown(), self.csv(), self.latex(), self.html(), self.json())
        for suffix, text in zip(SUFFIXES, texts, strict=True):
            write_text(stem + suffix, text)

    def markdown(self) -> str:
        """GitHub's Markdown: caption, table, findings, notes."""
        shown = self.shown.map(lambda cell: cell.replace("|", "\\|")).rename(
            columns=lambda name: name.replace("|", "\\|")
        )
        body = tabulate(shown, headers="keys", tablefmt="github", showindex=False, disable_numparse=True)
        findings = ["\n".join(f"- {finding}" for finding in self.findings)] if self.findings else []
        return "\n\n".join([f"**{self.caption}**", body, *findings, *self.notes]) + "\n"

    def csv(self) -> str:
        """Comma-separated plain numbers, empty where there is none."""
        return self.data.to_csv(index=False, float_format="%.6g", lineterminator="\n")

    def latex(self) -> str:
        """A table environment for the package booktabs."""
        body = tabulate(self.shown, headers="keys", tablefmt="latex_booktabs", showindex=False, disable_numparse=True)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escape(self.caption)}. {_escape(' '.join([*self.findings, *self.notes]))}}}",
            rf"\label{{tab:{self.name}}}",
            body,
            r"\end{table}",
        ]
        text = "\n".join(lines) + "\n"
        for symbol, command in (("±", r"$\pm$"), ("–", "--"), ("Δ", r"$\Delta$")):
            text = text.replace(symbol, command)
        return text

    def html(self) -> str:
        """A page: caption, table, findings, notes."""
        findings = [pages.bullets(self.findings)] if self.findings else []
        return pages.page(self.caption, pages.table(self.shown), *findings, pages.paragraphs(self.notes))

    def json(self) -> str:
        """An object with ``caption``, ``rows``, objects with the columns of the CSV, null where there is none,
        ``findings`` and ``notes``."""
        rows = json.loads(self.data.to_json(orient="records"))
        content = {"caption": self.caption, "rows": rows, "findings": self.findings, "notes": self.notes}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def without_empty(columns: dict[str, list[str]], optional: Container[str]) -> pd.DataFrame:
    """What a table shows, without those of the optional columns in which nothing stands."""
    return pd.DataFrame(
        {name: cells for name, cells in columns.items() if name not in optional or set(cells) != {NONE}}
    )


def number(value: float, form: str) -> str:
    """A number in a format, or a dash where there is none."""
    return NONE if math.isnan(value) else format(value, form)


def spread(mean: float, std: float, form: str) -> str:
    """A mean with its standard deviation, which is NaN for a single value."""
    return number(mean, form) + ("" if math.isnan(std) else f" ± {std:{form.lstrip('+')}}")


def interval(value: float, low: float, high: float, form: str, unit: str = "") -> str:
    """A difference with its interval, whose ends are NaN where there is none."""
    shown = number(value, form)
    text = shown if shown == NONE else shown + unit
    return text if math.isnan(low) else f"{text} [{low:{form}}, {high:{form}}]"


def count(seeds: int, expected: int) -> str:
    """How many seeds are there, and how many are not."""
    return str(seeds) if seeds == expected else f"{seeds} of {expected}, incomplete"


_LATEX = str.maketrans(
    {symbol: "\\" + symbol for symbol in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)


def _escape(text: str) -> str:
    return text.translate(_LATEX)
