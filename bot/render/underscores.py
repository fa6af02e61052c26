"""Which underscores within words must be escaped so that Discord does not take them for emphasis.

In CommonMark `_` inside a word means nothing. Discord lets it open emphasis that
reaches to the next lone underscore, over lines and into code, if no word goes on
after that one: `snake_case` above `for _ in items` would take the block apart.
This module knows nothing of pages; it is told one line after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONE = re.compile(r"(?<![\\_])_(?!_)")
_PIECE = re.compile(r"``.+?``|`[^`]+`|https?://[^\s<]+|(?<![\\_])_(?!_)")


@dataclass(frozen=True, slots=True)
class Underscores:
    """What the underscores of a line mean for it and for the lines before."""

    risky: tuple[int, ...] = ()
    """Positions in this line that must be escaped."""
    closes_earlier: bool = False
    """Whether those of earlier lines that wait for their fate must be escaped."""
    ends_earlier: bool = False
    """Whether those of earlier lines are safe from now on, escaped or not."""
    waiting: tuple[int, ...] = ()
    """Positions in this line that what follows may make risky."""


def read_underscores(text: str, *, is_code: bool) -> Underscores | None:
    """Read a line that shows `text`; None if no lone underscore is in it."""
    if is_code:
        first = _LONE.search(text)
        return Underscores((), _closes(text, first.start()), True) if first else None
    risky: list[int] = []
    waiting: list[int] = []
    closes_earlier = ends_earlier = seen = False
    for piece in _PIECE.finditer(text):
        first = _LONE.search(text, piece.start(), piece.end())
        if not first:
            continue
        seen = True
        if len(piece[0]) == 1 and _is_within_word(text, first.start()):
            waiting.append(first.start())
            continue
        if _closes(text, first.start()):
            risky += waiting
            closes_earlier = closes_earlier or not ends_earlier
        ends_earlier = True
        waiting.clear()
    return Underscores(tuple(risky), closes_earlier, ends_earlier, tuple(waiting)) if seen else None


def _closes(text: str, position: int) -> bool:
    following = text[position + 1 : position + 2]
    return not (following.isascii() and following.isalnum())


def _is_within_word(text: str, position: int) -> bool:
    return text[position - 1 : position].isalnum() and text[position + 1 : position + 2].isalnum()
