"""What is sent may be anything: pages stay few and small, and the work stays linear, whatever the text is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.render.inline import units
from bot.render.split import MESSAGE_LIMIT, Splitter
from tests.discord_markdown import blocks
from tests.markdown_documents import DOCUMENT, Piece

HOSTILE: dict[str, str] = {
    "no line break": "word",
    "one letter": "w",
    "backticks": "`",
    "backticks apart": "` `` ",
    "bars": "|",
    "bars and dashes": "|-",
    "bars in lines": "|\n",
    "tables of nothing": "| |\n|-|\n",
    "stars": "*",
    "stars apart": "*a ",
    "pairs of stars": "**a *b ",
    "underscores": "_",
    "names": "a_b ",
    "names before code": "a_b `_` ",
    "tildes": "~",
    "dollars": "$",
    "dollars apart": "$a_ ",
    "formulas that never end": "\\( ",
    "displayed formulas": "\\[\n",
    "brackets": "[",
    "links that never end": "[a](",
    "images": "![](",
    "tags": "<b>",
    "tags that never end": "<a ",
    "breaks": "a<br>",
    "quotes": ">",
    "quotes apart": "> ",
    "list levels": "- ",
    "fences": "```\n",
    "fences with tags": "```md\n",
    "spoilers": "||",
    "spoilers apart": "||a ",
    "backslashes": "\\",
    "controls": "\x00\x1b\x07",
    "lone halves": "\ud800",
    "bidi overrides": "\u202e\u2066a",
    "zalgo": "a\u0301\u0302\u0303\u0304",
    "joiners": "\u200d",
    "families": "👩‍👩‍👧‍👦",
    "blank lines": "\n",
    "spaces": " ",
    "sentences": "a. ",
    "at": "@everyone ",
    "addresses": "https://",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_gives_sound_pages(name: str) -> None:
    unit = HOSTILE[name]
    for text in (unit * (20_000 // len(unit)), "x " + unit * 3000 + "\nafter", f"```\n{unit * 1500}\n```\n{unit}"):
        splitter = Splitter()
        for start in range(0, len(text), 997):
            splitter.feed(text[start : start + 997])
            assert_sound(splitter.pages())
        splitter.finish()
        assert_sound(splitter.pages())


def assert_sound(pages: list[str]) -> None:
    for page in pages:
        assert page.strip()
        assert units(page) <= MESSAGE_LIMIT
        assert page.count("```") % 2 == 0
        page.encode()


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_linear_in_hostile_text(name: str) -> None:
    """Twice the text takes about twice the steps, on one line and on many; the first pages are cheaper."""
    unit = HOSTILE[name]
    for text in (unit * (24_000 // len(unit)), (unit * 60 + "\n") * (24_000 // (60 * len(unit)) + 1)):
        once, twice = steps(lambda text=text: show(text)), steps(lambda text=text: show(text * 2))
        assert twice < 2.6 * once + 2000


def show(text: str) -> None:
    splitter = Splitter()
    for start in range(0, len(text), 50):
        splitter.feed(text[start : start + 50])
    splitter.finish()
    splitter.pages()


def steps(work: Callable[[], object]) -> int:
    """How many calls `work` takes, of Python's own functions, too."""
    counted = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@settings(max_examples=40, deadline=None)
@given(DOCUMENT, st.sampled_from([500, 1000, MESSAGE_LIMIT]))
def test_one_page_more_than_needed_at_most(document: Piece, limit: int) -> None:
    """No splitter needs fewer pages than the shown text needs without any cut; fences must be repeated."""
    pages = pages_of(document.text, limit)
    lines = max((len(line) for page in pages for block in blocks(page) for line in block.text.split("\n")), default=0)
    fences = max((page.count("```") * 9 for page in pages), default=0)
    shown = units("\n".join(pages)) - sum(page.count("```") * 9 for page in pages[1:])
    unavoidable = lines if lines > 60 else 60  # a line of code, or a word and a link, is not cut
    assert len(pages) <= -(-shown // (limit - min(fences, 18) - unavoidable)) + 1


@settings(max_examples=60, deadline=None)
@given(DOCUMENT)
def test_a_page_fed_again_is_the_same_page(document: Piece) -> None:
    """What is shown is Markdown that shows the same: nothing is escaped or rewritten twice."""
    for page in pages_of(document.text, MESSAGE_LIMIT):
        assert pages_of(page, 2 * MESSAGE_LIMIT) == [page]


def pages_of(text: str, limit: int) -> list[str]:
    splitter = Splitter(limit)
    splitter.feed(text)
    splitter.finish()
    return splitter.pages()
