"""Takes out of a text what a reader would not see but a model would.

Invisible characters carry hidden messages; control tokens of chat formats can
pass for a new speaker with a server that reads them in any text. This module
knows nothing of where the text came from.
"""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero width, and the direction of writing
    "\u2800\u3164\ufeff\uffa0"  # blanks that are letters
    "\ufe00-\ufe0f\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\ue000-\uf8ff"  # surrogates, and private use: the pictures of icon fonts
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags, which spell out ASCII, and variation selectors, which spell out bytes
    "\U000f0000-\U0010ffff"
    "]+"
)
_BREAKS = re.compile("\r\n|[\r\x0c\x85\u2028\u2029]")
_CONTROL_TOKEN = re.compile(r"<([|｜])([^\s<>|｜]{1,64})([|｜])>")


def visible(text: str) -> str:
    """The text without invisible characters, with plain line breaks, and with control tokens broken up."""
    text = _INVISIBLE.sub("", _BREAKS.sub("\n", text).replace("\x1b", ""))
    return _CONTROL_TOKEN.sub(r"< \1\2\3 >", text)


def in_one_line(text: str, limit: int) -> str:
    """A visible text without line breaks, cut to `limit` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
