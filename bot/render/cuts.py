"""Where a line of text may be cut: after a sentence, else a word, rather outside any marker, never inside a character.

This module knows nothing of pages; how much room there is, and how much of it
may be given away, is told to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from bot.render.found import Scan
from bot.render.inline import close, prefix_within, units

_FURTHEST_GRAPHEME = 64
"""No honest grapheme is longer (in code points); stacks of combining marks are cut after this many."""

_WORD_ROOM = 40
"""Characters that are always given away for not cutting a word."""

_MOST_CLOSING = 40
"""Units that closing whatever may be open takes."""

_SENTENCE_END = re.compile(r"[.!?…:;][\"')\]*_]{0,4}\s+|[。！？]")
_WORD_END = re.compile(r"\s+")


def cut_prose(text: str, room: int, slack: int, found: Scan) -> int:
    """The best position to cut a line of prose within `room` units, giving away about `slack` of them.

    `found` is the scan of the line. What must be added to close the markers
    that are open there has room, too.
    """
    position = _cut(text, room, slack, found)
    before = text[:position]
    if units(close(before, found.opened_at(position))) <= room:
        return position
    return _cut(text, max(1, room - _MOST_CLOSING), slack, found)


def cut_anywhere(text: str, position: int) -> int:
    """The last position up to `position` that lies between two graphemes."""
    for candidate in range(position, max(0, position - _FURTHEST_GRAPHEME), -1):
        if not _joined(text, candidate):
            return candidate
    return position


def _cut(text: str, room: int, slack: int, found: Scan) -> int:
    end = prefix_within(text, room)
    if end >= len(text):
        return len(text)
    within: int | None = None
    for position in _good_ends(text, end, slack):
        if found.splits_atom(position):
            continue
        if not found.opened_at(position):
            return position
        within = max(within or 0, position)
    if within is not None:
        return within
    return _cut_word(text, end, found)


def _cut_word(text: str, end: int, found: Scan) -> int:
    """Cut where no word ends: before a piece that fits on the next page whole, else between two graphemes."""
    around = found.atom_around(end)
    if around and around[0]:
        return around[0]
    return cut_anywhere(text, end)


def _good_ends(text: str, end: int, slack: int) -> Iterator[int]:
    """Where sentences end, the best first, and then where words do; most cuts need only one of them."""
    yield from _ends(_SENTENCE_END, text, end, slack)
    yield from _ends(_WORD_END, text, end, max(slack, _WORD_ROOM))


def _ends(pattern: re.Pattern[str], text: str, end: int, slack: int) -> list[int]:
    """Where the pattern ends in the last `slack` characters before `end`, the last one first."""
    found = [match.end() for match in pattern.finditer(text, max(1, end - slack), end + 1)]
    return [position for position in reversed(found) if 0 < position <= end]


def _joined(text: str, position: int) -> bool:
    """Whether the characters on both sides of `position` belong to one grapheme."""
    if not 0 < position < len(text):
        return False
    left, right = text[position - 1], text[position]
    if right < "\u0300":
        return False
    if left == "\u200d" or right == "\u200d" or unicodedata.category(right).startswith("M"):
        return True
    if "\U0001f3fb" <= right <= "\U0001f3ff" or "\U000e0020" <= right <= "\U000e007f":
        return True
    if _is_flag_half(left) and _is_flag_half(right):
        halves = 0
        while halves < position and _is_flag_half(text[position - 1 - halves]):
            halves += 1
        return halves % 2 == 1
    return "\u1100" <= left <= "\u11ff" and "\u1100" <= right <= "\u11ff"


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
