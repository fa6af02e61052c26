"""Reads a body in a process of its own (`bot/readable/__main__.py`), which can be ended.

A parser written in C holds everybody up while it works, and some pages are made
to keep it at work for minutes or to fill the memory. The process is told
nothing but the body and where it came from.
"""

from __future__ import annotations

import json

from pydantic import BaseModel, ValidationError

from bot.apart import Failed, run_apart
from bot.readable.kinds import Kind

SECONDS = 8.0


class Unreadable(Exception):
    """The body took too long to read, or too much memory."""


class Readable(BaseModel):
    """What a reader sees. `text` is whole or cut at its end; `links` are (text, absolute URL)."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...]
    is_whole: bool


async def read_apart(kind: Kind, content_type: str, url: str, body: bytes, *, seconds: float = SECONDS) -> Readable:
    """Read a body. Raises Unreadable. Nothing here blocks the event loop."""
    asked = json.dumps({"kind": kind, "content_type": content_type, "url": url}).encode()
    try:
        answer = await run_apart("bot.readable", asked + b"\n" + body, seconds=seconds)
        return Readable.model_validate_json(answer)
    except (Failed, ValidationError):
        raise Unreadable from None
