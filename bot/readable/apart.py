"""Reads a body in a process of its own, which can be ended.

A parser written in C holds everybody up while it works, and some pages are made
to keep it at work for minutes or to fill the memory. The process is told
nothing but the body and where it came from.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from bot.readable.kinds import Kind

SECONDS = 8.0

_ROOT = Path(__file__).parents[2]


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
        async with asyncio.timeout(seconds):
            answer = await _run(asked + b"\n" + body)
        return Readable.model_validate_json(answer)
    except (OSError, TimeoutError, ValidationError):
        raise Unreadable from None


async def _run(data: bytes) -> bytes:
    """What the process answers; empty if it fails. It is ended with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.readable"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_ROOT,
        env={"PYTHONUTF8": "1"},  # none of our secrets
    )
    try:
        answer, _ = await process.communicate(data)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return answer if process.returncode == 0 else b""
