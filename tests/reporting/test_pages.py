"""HTML pages, read back by Python's own parser."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from cnntention.reporting import pages

NASTY = "a <b> & \"c\" 'd' ± Δ"


class Reader(HTMLParser):
    """The text of each element by tag, and whether all elements are closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "wbr"):
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data


def read(text: str) -> Reader:
    reader = Reader(text)
    assert reader.open == []
    return reader


def test_a_page_has_its_title_as_heading_and_its_parts_in_order():
    texts = read(pages.page(NASTY, pages.heading("H & H"), pages.paragraphs([NASTY, "second"]))).texts
    assert texts["title"] == texts["h1"] == [NASTY]
    assert texts["h2"] == ["H & H"]
    assert texts["p"] == [NASTY, "second"]


def test_a_table_has_a_row_for_names_and_each_row_of_the_frame():
    frame = pd.DataFrame({"Model <1>": ["a & b", "8 (paper: a 1, b 2)"], "Δ": ["–", "+0.10 [-1.00, +1.20]"]})
    reader = read(pages.table(frame))
    assert [text.strip() for text in reader.texts["th"]] == ["Model <1>", "Δ"]
    assert [text.strip() for text in reader.texts["td"]] == [
        "a & b",
        "–",
        "8 (paper: a 1, b 2)",
        "+0.10 [-1.00, +1.20]",
    ]
    assert len(reader.texts["tr"]) == 3


def test_pairs_are_rows_of_a_name_and_a_text():
    reader = read(pages.pairs({"Seeds": "10, 11", NASTY: NASTY}))
    assert reader.texts["th"] == ["Seeds", NASTY]
    assert reader.texts["td"] == ["10, 11", NASTY]


@pytest.mark.parametrize("word", ["http:", "https:", "url(", "<script", "<link", "<img"])
def test_a_page_needs_nothing_beside_it(word):
    assert word not in pages.page("title", pages.pairs({"a": "b"}))


def test_its_style_reaches_nothing_outside_it():
    """The report shows the overview inside its own page."""
    (style,) = re.findall(r"<style>(.*?)</style>", pages.page("title"), flags=re.DOTALL)
    selectors = [part for rule in re.findall(r"([^{}]+)\{", style) for part in rule.split(",")]
    assert selectors
    assert all(selector.strip().startswith(".page") for selector in selectors)


def test_a_sentence_in_a_cell_may_be_broken_and_a_number_with_its_interval_may_not():
    sentence, numbers = "not testable with one seed, after 3 of 182 epochs", "-1.98 [-3.17, -0.79]"
    shown = pages.table(pd.DataFrame({"Verdict": [sentence], "Difference": [numbers]}))
    (broken, kept) = re.findall(r"<td.*?</td>", shown)
    assert broken.startswith('<td class="long">not testable')
    assert kept.startswith("<td>-1.98")
