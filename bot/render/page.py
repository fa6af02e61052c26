"""What one Discord message of an answer shows, as a value: text, buttons, files.

This module knows nothing of how an answer becomes pages, nor of how they reach Discord.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LARGEST_FILE = 8_000_000
"""Bytes; Discord takes about ten million for one message (Discord, "Uploading Files")."""


class Control(StrEnum):
    """A button under an answer."""

    STOP = "stop"
    RETRY = "retry"
    CONTINUE = "continue"
    REASONING = "reasoning"
    SOURCE = "source"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file attached to a message. A name that begins with `SPOILER_` stays covered until it is opened."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What one Discord message shows: at most 2,000 UTF-16 units of content, never empty."""

    content: str
    controls: tuple[Control, ...] = ()
    files: tuple[PageFile, ...] = ()
    announcement: str | None = None
    """What the message says when it is first posted, if `content` must not be read in a notification."""
    notifies: int | None = None
    """The user whom this message notifies, by its mention; only a new message can."""


def text_file(name: str, text: str) -> PageFile:
    """A text as a file; what exceeds LARGEST_FILE is left out."""
    data = text.encode("utf-8", "replace")
    return PageFile(name, data if len(data) <= LARGEST_FILE else data[:LARGEST_FILE].decode("utf-8", "ignore").encode())
