"""What a member's message becomes before it is a question: readable text, a thread's name.

Pure text. This module knows nothing of Discord's objects; what comes of files is in `attachments`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

THREAD_NAME_LENGTH = 60

_MENTION = re.compile(r"<@!?(\d+)>")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")


def readable(text: str, names: Mapping[int, str], *, me: int) -> str:
    """A message's text as the model should read it: mentions as names, our own leading mention left out."""
    text = re.sub(rf"^\s*<@!?{me}>[\s,:]*", "", text)
    return _MENTION.sub(lambda found: "@" + names.get(int(found[1]), "someone"), text).strip()


def is_blank(text: str) -> bool:
    """Whether nothing can be seen of a text; zero-width and direction characters alone say nothing."""
    return not _INVISIBLE.sub("", text).strip()


def one_line(name: str) -> str:
    """A display name without the line breaks that would end the line it stands on."""
    return " ".join(name.split())


def thread_name(text: str) -> str:
    """A name for the thread that a question opens: its first line, cut at a word."""
    plain = _INVISIBLE.sub("", re.sub(r"```\w*|[`*_~|#>]+", " ", text))
    line = next((line for line in map(str.strip, plain.splitlines()) if line), "")
    return shortened(re.sub(r"\s+", " ", line), THREAD_NAME_LENGTH) or "New conversation"


def shortened(line: str, length: int) -> str:
    """A line of at most `length` characters, cut at a word where one is near."""
    if len(line) <= length:
        return line
    head = line[:length].rpartition(" ")[0]
    return (head if len(head) > length // 2 else line[: length - 1]).rstrip(" ,;:.-\u200d\ufe0f") + "…"
