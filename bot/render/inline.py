"""Sizes of text as Discord counts them, and closing and reopening the markers of inline Markdown.

This module knows nothing of where markers are, nor of lines, fences or pages.
"""

from __future__ import annotations

import re
from typing import TypeAlias

OpenMarkers: TypeAlias = tuple[str, ...]
"""The markers open at some position, outermost first."""

ZERO_WIDTH_SPACE = "\u200b"
SPOILER = "||"

_UNSEEN = re.compile("[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*$")
"""Text that shows nothing: blanks, controls, and what has no width."""
_INNER_TICKS = re.compile(r"``(?=`)")


def units(text: str) -> int:
    """The length in UTF-16 code units, which is never less than what Discord counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_visible(text: str) -> bool:
    """Whether there is anything to see in a text."""
    return not (text.isspace() or _UNSEEN.match(text))


def prefix_within(text: str, room: int) -> int:
    """How many characters of `text` fit into `room` UTF-16 units."""
    if room <= 0:
        return 0
    head = text[:room]
    if units(head) <= room:
        return len(head)
    return len(head.encode("utf-16-le", "surrogatepass")[: 2 * room].decode("utf-16-le", "ignore"))


def disarm_backticks(text: str) -> str:
    """Put zero-width spaces into runs of three and more backticks: Discord would end or begin a code block there."""
    return _INNER_TICKS.sub(f"``{ZERO_WIDTH_SPACE}", text) if "```" in text else text


def close(text: str, opened: OpenMarkers) -> str:
    """`text` with its open markers closed; markers that opened on nothing are dropped instead."""
    text = text.rstrip()
    while opened and text.endswith(opened[-1]):
        text = text[: -len(opened[-1])].rstrip()
        opened = opened[:-1]
    if not text:
        return ""
    for marker in reversed(opened):
        text += _markers_apart(text, marker) + marker
    return text


def reopen(text: str, opened: OpenMarkers) -> str:
    """`text` as the continuation of a text that was closed by `close`."""
    opening = "".join(opened)
    return opening + _markers_apart(opening, text) + text


def apart(left: str, right: str) -> str:
    """What keeps two texts from making three backticks where they meet."""
    return ZERO_WIDTH_SPACE if left.endswith("`") and right.startswith("`") else ""


def _markers_apart(left: str, right: str) -> str:
    """What keeps a text and a marker from making another marker where they meet."""
    return ZERO_WIDTH_SPACE if left and right and left[-1] == right[0] and right[0] in "`*_" else ""
