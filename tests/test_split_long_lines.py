"""Paragraphs of many thousands of characters without a line break: they are read in parts, and nobody can tell."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.render.split import Splitter
from tests.discord_markdown import words

UNITS = {
    "stray markers": "see *args and **kwargs or __init__ and foo_ or a || b and ~~ c ",
    "code": "call `a * b` and ``c ` d`` then ",
    "formulas": "as \\(a_i * b_i\\) says and ",
    "spans": "some **bold words** and *calm ones* and ~~none~~ and ||hidden|| ",
    "links": "see [the page of it](https://example.org/a_b) for ",
    "mentions": "ask <@123456> or <#654321> about ",
    "no spaces": "日本語**太字**です。`a*b`、*py。",
}


def split(text: str) -> list[str]:
    splitter = Splitter()
    for start in range(0, len(text), 700):
        splitter.feed(text[start : start + 700])
    splitter.finish()
    return splitter.pages()


@pytest.mark.parametrize("count", [60, 150, 500])
@pytest.mark.parametrize("name", UNITS)
def test_a_very_long_line_is_read_like_a_short_one(name: str, count: int) -> None:
    """Markers without a partner show as themselves and the others do what they are for, however long the line is."""
    once, often = words(split(UNITS[name])), words(split(UNITS[name] * count))
    assert letters(often) == Counter({key: number * count for key, number in letters(once).items()})


def letters(found: list[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Each visible letter with its style: words may be cut where there is no space."""
    return Counter((letter, style) for word, style in found for letter in word if letter != "\u200b")


def test_a_stray_marker_turns_no_page_to_italics_while_its_line_goes_on() -> None:
    """Who reads the first page does not wait for the end of a line that may be thousands of characters long."""
    splitter = Splitter()
    splitter.feed("pass *args and `this, " + "plain words " * 250)
    assert {style for _, style in words(splitter.pages()[:1])} == {""}


def test_a_paragraph_in_bold_stays_bold_however_many_messages_it_needs() -> None:
    pages = split(f"**{'bold words ' * 350}end** and more")
    assert len(pages) == 2
    assert Counter(style for _, style in words(pages)) == {"bold": 701, "": 2}


def test_a_very_long_line_goes_on_in_its_quote() -> None:
    pages = split("> " + "quoted *words* " * 800)
    assert all(page.startswith("> ") for page in pages)
    assert Counter(style for _, style in words(pages)) == {"": 800, "italic": 800}
