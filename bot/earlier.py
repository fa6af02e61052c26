"""What was said in a thread before the bot was called into it, and a message that somebody points at, as text.

Pure. The model reads it as part of a question: it is what people wrote, with
their names, and carries no authority of its own. This module knows nothing of
where the messages come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.incoming import is_blank, one_line
from bot.messages import Part, Text

MOST_CHARACTERS = 40_000
"""Of what was said earlier, as much is kept; the oldest goes first."""

LONGEST_NAME = 80

_EARLIER = "Earlier in this thread:\n"
_ASKED_NOW = "\n\nNow you are asked:"
_POINTED = re.compile(r"\n\nThis is about the following message by [^\n]{1,100}:\n>")


@dataclass(frozen=True, slots=True)
class Earlier:
    """One message that was there before."""

    author: str
    text: str = ""
    files: tuple[str, ...] = ()
    """The names of its attachments."""
    is_ours: bool = False
    is_nobodys: bool = False
    """Discord's own line, or one by somebody who has deleted their account."""


def so_far(messages: Iterable[Earlier]) -> str:
    """A thread so far, oldest message first; empty if nobody said anything."""
    lines: list[str] = []
    room = MOST_CHARACTERS
    for message in reversed([*messages]):
        line = _line(message)
        if not line:
            continue
        room -= len(line)
        if room < 0:
            lines.append("(What was said before that is left out.)")
            break
        lines.append(line)
    if not lines:
        return ""
    return _EARLIER + "\n".join(reversed(lines)) + _ASKED_NOW


def with_new_words(old: Sequence[Part], new: Sequence[Part]) -> tuple[Part, ...]:
    """An edited message's parts: the new ones, led by what the old ones tell of the thread's earlier messages."""
    for index, part in enumerate(old[:-1]):
        if isinstance(part, Text) and part.text.startswith(_EARLIER) and part.text.endswith(_ASKED_NOW):
            return (*old[: index + 1], *new)
    return tuple(new)


def own_words(parts: Sequence[Part]) -> tuple[Part, ...]:
    """A question's parts without what it tells of other people's messages, and their files."""
    for index, part in enumerate(parts):
        if isinstance(part, Text) and part.text.startswith(_EARLIER) and part.text.endswith(_ASKED_NOW):
            return own_words(parts[index + 1 :])
        if isinstance(part, Text) and (about := _POINTED.search(part.text)) is not None:
            return (*parts[:index], Text(part.text[: about.start()]))
    return tuple(parts)


def pointed_at(message: Earlier) -> str:
    """A message that a question is about, quoted below it."""
    author = "you" if message.is_ours else _name(message.author)
    text = message.text if not is_blank(message.text) else "(no text, only what is attached)"
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return f"This is about the following message by {author}:\n{quoted}"


def without_small_print(text: str) -> str:
    """One of our own answers as the model wrote it: without the lines that we put below or above it."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("-# ")).strip()


def _line(message: Earlier) -> str:
    text = without_small_print(message.text) if message.is_ours else message.text.strip()
    if message.is_nobodys or (is_blank(text) and not message.files):
        return ""
    author = f"{_name(message.author)} (you)" if message.is_ours else _name(message.author)
    files = f"[attached: {', '.join(map(_name, message.files))}]" if message.files else ""
    return " ".join(filter(None, [f"{author}:", "" if is_blank(text) else text, files]))


def _name(name: str) -> str:
    return one_line(name)[:LONGEST_NAME]
