"""What a member's message becomes before it is a question: readable text, a thread's name, decoded files.

Pure text and bytes. This module knows nothing of Discord's objects.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from bot.messages import Part, Text, TextFile

THREAD_NAME_LENGTH = 60
PASTE_NAME = "message.txt"
"""What Discord's own clients call a message that was too long to send and became a file."""

_MENTION = re.compile(r"<@!?(\d+)>")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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


def decode_file(name: str, data: bytes) -> Part | None:
    """A text file's content, or None for anything that is not text. Judged by content, never by name or type."""
    text = _decode(data)
    if text is None:
        return None
    return Text(text) if name == PASTE_NAME else TextFile(name, text)


def _decode(data: bytes) -> str | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data)
        return None if controls > len(data) // 100 else data.decode("cp1252", "replace")
