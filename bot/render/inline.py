"""Inline Markdown, as far as cutting a line needs it: sizes, safe positions, and the markers open at a position.

Discord's rules are undocumented, so this is the common denominator: a marker
opens before a non-space and closes after one, and code spans hide everything
else. This module knows nothing of lines, fences or pages.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from typing import TypeAlias

OpenMarkers: TypeAlias = tuple[str, ...]
"""The markers open at some position, outermost first."""

ZERO_WIDTH_SPACE = "\u200b"
SPOILER = "||"

_TICKS = frozenset({"`", "``"})
_FURTHEST_GRAPHEME = 64
"""No honest grapheme is longer (in code points); stacks of combining marks are cut after this many."""

_WORD_ROOM = 40
"""Characters that are always given away for not cutting a word."""

_TOKEN = re.compile(
    r"""
      \\[^\w\s]                                         # an escape
    | (?<!`)`{1,2}(?!`)
    | \*{1,3} | __ | ~~ | \|\|
    | !?\[[^\[\]\n]{1,300}\]\([^()\s]{1,500}\)          # a masked link
    | <[^<>\s]{1,100}>                                  # a mention, an emoji, a timestamp
    | https?://[^\s<>*|`~]{1,500}
    """,
    re.VERBOSE,
)
_MARKERS = frozenset({"`", "``", "*", "**", "***", "__", "~~", SPOILER})
_BACKTICK_RUN = re.compile(r"`{3,}")
_SENTENCE_END = re.compile(r"[.!?…:;][\"')\]*_]*\s+|[。！？]")
_WORD_END = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Token:
    """Something that must stay in one piece, and the markers open right after it."""

    start: int
    end: int
    opened: OpenMarkers


def units(text: str) -> int:
    """The length in UTF-16 code units, which is never less than what Discord counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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
    return _BACKTICK_RUN.sub(lambda run: f"`{ZERO_WIDTH_SPACE}" * len(run[0]), text)


def tokens(text: str, opened: OpenMarkers = ()) -> list[Token]:
    """Scan `text`, at whose start the markers `opened` are open."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        marker = match[0]
        if opened and opened[-1] in _TICKS:
            opened = opened[:-1] if marker == opened[-1] else opened
        elif marker in _MARKERS:
            opened = _toggle(text, match.start(), match.end(), opened)
        found.append(Token(match.start(), match.end(), opened))
    return found


def opened_after(text: str, opened: OpenMarkers = ()) -> OpenMarkers:
    """The markers open at the end of `text`."""
    scanned = tokens(text, opened)
    return scanned[-1].opened if scanned else opened


def close(text: str, opened: OpenMarkers) -> str:
    """`text` with its open markers closed; markers that opened on nothing are dropped instead."""
    text = text.rstrip()
    while opened and text.endswith(opened[-1]):
        text = text[: -len(opened[-1])].rstrip()
        opened = opened[:-1]
    if not text:
        return ""
    for marker in reversed(opened):
        text += _apart(text, marker) + marker
    return text


def reopen(text: str, opened: OpenMarkers) -> str:
    """`text` as the continuation of a text that was closed by `close`."""
    opening = "".join(opened)
    return opening + _apart(opening, text) + text


def cut_prose(text: str, room: int, slack: int, opened: OpenMarkers = ()) -> int:
    """The best position to cut a line of prose within `room` units, giving away about `slack` of them.

    After a sentence, else after a word, both rather outside any marker; else
    between two graphemes.
    """
    end = prefix_within(text, room)
    if end >= len(text):
        return len(text)
    scanned = tokens(text, opened)
    sentences, words = _ends(_SENTENCE_END, text, end, slack), _ends(_WORD_END, text, end, max(slack, _WORD_ROOM))
    depths = {position: _depth(scanned, position, opened) for position in (*sentences, *words)}
    outside = [position for position in (*sentences, *words) if depths[position] == 0]
    within = [position for position in words if depths[position] > 0]
    best = (*outside, *within)
    return best[0] if best else cut_anywhere(text, _outside_marker(scanned, text, end))


def cut_anywhere(text: str, position: int) -> int:
    """The last position up to `position` that lies between two graphemes."""
    for candidate in range(position, max(0, position - _FURTHEST_GRAPHEME), -1):
        if not _joined(text, candidate):
            return candidate
    return position


def _toggle(text: str, start: int, end: int, opened: OpenMarkers) -> OpenMarkers:
    marker, before, after = text[start:end], text[start - 1 : start], text[end : end + 1]
    if marker in opened and (marker == SPOILER or not before.isspace()):
        return opened[: opened.index(marker)]
    if after.isspace() and text.strip() != marker:
        return opened
    if marker in ("*", "__") and before.isalnum():
        return opened
    return opened if marker in opened else (*opened, marker)


def _apart(left: str, right: str) -> str:
    """What keeps two texts from making three backticks where they meet."""
    return ZERO_WIDTH_SPACE if left.endswith("`") and right.startswith("`") else ""


def _ends(pattern: re.Pattern[str], text: str, end: int, slack: int) -> list[int]:
    """Where the pattern ends in the last `slack` characters before `end`, the last one first."""
    found = [match.end() for match in pattern.finditer(text, max(1, end - slack), end + 1)]
    return [position for position in reversed(found) if 0 < position <= end]


def _depth(scanned: list[Token], position: int, opened: OpenMarkers) -> int:
    """How many markers are open at `position`, or -1 inside a token."""
    index = bisect_right(scanned, position, key=lambda token: token.end)
    if index < len(scanned) and scanned[index].start < position:
        return -1
    return len(scanned[index - 1].opened if index else opened)


def _outside_marker(scanned: list[Token], text: str, position: int) -> int:
    for token in scanned:
        if token.start < position < token.end and text[token.start : token.end] in _MARKERS:
            return token.start or position
    return position


def _joined(text: str, position: int) -> bool:
    """Whether the characters on both sides of `position` belong to one grapheme."""
    if not 0 < position < len(text):
        return False
    left, right = text[position - 1], text[position]
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
