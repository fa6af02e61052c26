"""Answers as models write them, shown as Discord shows them: the judge shares no code with the splitter."""

from __future__ import annotations

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.render.inline import units
from bot.render.split import MESSAGE_LIMIT, Splitter
from tests.discord_markdown import Words, words
from tests.markdown_documents import DOCUMENT, Piece


def seen(pages: list[str]) -> Words:
    """What a reader sees, without the numbers and bullets above code, which lists hide elsewhere."""
    return comparable(words(pages))


def comparable(found: Words) -> Words:
    clean = [(word.replace("\u200b", "").strip(), style) for word, style in found]
    return [(word, style) for word, style in clean if not re.fullmatch(r"•|-|\d+\.", word)]


@settings(max_examples=150, deadline=None)
@given(DOCUMENT, st.sampled_from([400, 700, MESSAGE_LIMIT]))
def test_a_reader_sees_every_word_in_its_style(document: Piece, limit: int) -> None:
    splitter = Splitter(limit)
    splitter.feed(document.text)
    splitter.finish()
    assert seen(splitter.pages()) == comparable(document.words)


@settings(max_examples=40, deadline=None)
@given(DOCUMENT, st.sampled_from([400, 700, MESSAGE_LIMIT]), st.integers(1, 30), st.randoms(use_true_random=False))
def test_a_reader_sees_no_more_and_little_less_at_any_moment(
    document: Piece, limit: int, size: int, chooser: random.Random
) -> None:
    """Whatever is shown of a part of the answer is how it will be in the end, but for the last word."""
    splitter, expected, start = Splitter(limit), bare(document.words), 0
    while start < len(document.text):
        end = start + chooser.randrange(1, 2 * size)
        splitter.feed(document.text[start:end])
        pages, start = splitter.pages(), end
        assert all(page.strip() and units(page) <= limit for page in pages)
        found = bare(words(pages))
        assert found[:-1] == expected[: max(0, len(found) - 1)]
        assert not found or expected[len(found) - 1][0].startswith(found[-1][0])


def bare(found: Words) -> Words:
    """Words and whether they are code of a block, without markers: a lone one looks like an open one for a while."""
    clean = [(word.replace("\u200b", "").strip(" *`_~|\\$<"), style[:5]) for word, style in found]
    return [
        (word, style if style == "block" else "")
        for word, style in clean
        if word and not re.fullmatch(r"•|-|\d+\.?", word)
    ]
