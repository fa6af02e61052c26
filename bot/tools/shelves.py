"""What the tools that read conversations ask for, and of whom: values and one protocol.

Whoever implements the protocol decides, at each call, what the person who asked
may read. This module knows nothing of Discord.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bot.tools import Asking, ToolFailed

MOST_MESSAGES = 100
"""In one excerpt; what Discord gives at once."""

_LINK = re.compile(r"/channels/(?:\d+|@me)/(?P<channel>\d+)(?:/(?P<message>\d+))?")
_ID = re.compile(r"<?#?(\d{15,20})>?")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file on a message; `size` is in bytes, `author_id` as a Written has it."""

    id: int
    name: str
    size: int
    author_id: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it is now; `at` is in Unix seconds."""

    id: int
    author: str
    text: str
    at: float
    files: tuple[Attached, ...] = ()
    is_ours: bool = False
    author_id: int | None = None
    """The person whose message it is; None of bots."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some messages of one place, oldest first. `more`: there are further ones on that side."""

    place: str
    messages: Sequence[Written]
    more: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """Where to look: a channel or thread, and a message in it; None for the conversation's own, and for no message."""

    channel_id: int | None = None
    message_id: int | None = None


class Shelves(Protocol):
    """What people have written. Every method raises ToolFailed for what is not there or may not be read by the asker.

    Which of the two it was is not told.
    """

    async def closed(self, asking: Asking, spot: Spot, *, around: bool = False) -> int | None:
        """The spot's channel or thread, if not everybody can read it who can see the conversation; else None.

        `around`: the channel that the conversation is in is meant as well. The conversation itself never counts.
        """
        ...

    async def excerpt(self, asking: Asking, spot: Spot, *, after: bool, n: int) -> Excerpt:
        """`n` messages before the spot's message, itself not included, or after it; without one the newest."""
        ...

    async def recent(self, asking: Asking, spot: Spot, *, most: int) -> Sequence[Excerpt]:
        """The newest messages, `most` a place: of a channel, or of the conversation and the channel it is in."""
        ...

    async def files(self, asking: Asking, spot: Spot) -> Sequence[Attached]:
        """The files of the spot's message, or the newest ones of the place, newest first."""
        ...

    async def load(self, asking: Asking, spot: Spot, file: Attached, *, most: int) -> bytes:
        """A file that `files` gave for the same spot; at most so many bytes, else ToolFailed."""
        ...


def read_spot(channel: str | None, message: str | None = None) -> Spot:
    """A place as a model names it: by links or by ids. Raises ToolFailed."""
    channel_id = message_id = None
    if channel:
        found = _LINK.search(channel)
        channel_id = int(found["channel"]) if found else _id(channel, "channel")
        message_id = int(found["message"]) if found and found["message"] else None
    if message:
        found = _LINK.search(message)
        if found and found["message"]:
            channel_id, message_id = channel_id or int(found["channel"]), int(found["message"])
        else:
            message_id = _id(message, "message")
    return Spot(channel_id, message_id)


def _id(text: str, what: str) -> int:
    found = _ID.fullmatch(text.strip())
    if found is None:
        raise ToolFailed(f"{text[:80]!r} is neither the id of a {what} nor a link to one.")
    return int(found[1])


def told(message: Written) -> str:
    """A message as one paragraph: whose it is, when, what it says and what is attached."""
    at = datetime.fromtimestamp(message.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    author = " ".join(message.author.replace("[", "").replace("]", "").split())[:80] or "somebody"
    whose = f"{author} (you)" if message.is_ours else author
    files = "".join(f"\n[attached: {one_line(file.name)}, {kilobytes(file.size)}]" for file in message.files)
    return f"[{message.id} · {at} · {whose}] {message.text}{files}"


def one_line(name: str) -> str:
    return " ".join(name.split())[:120]


def kilobytes(size: int) -> str:
    return f"{max(1, round(size / 1024)):,} KB"
