"""Makes a page with coloured code in a process of its own, which can be ended.

A lexer is a set of regular expressions, and some take minutes for a few hostile
kilobytes, during which Python runs nothing else. Where that happens the page
comes without colours. The process is told nothing but the conversation.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from pathlib import Path

from bot.errors import describe
from bot.export.archive import to_json
from bot.export.page import to_html
from bot.export.transcript import Transcript

log = logging.getLogger(__name__)

SECONDS = 20.0
"""For the process; more than the colours of any conversation of ordinary length take."""

_ROOT = Path(__file__).parents[2]


async def to_coloured_html(transcript: Transcript, *, seconds: float = SECONDS) -> bytes:
    """The page, with colours if they are there in time. Nothing here blocks the event loop."""
    data = await asyncio.to_thread(to_json, transcript)
    try:
        async with asyncio.timeout(seconds):
            page = await _run(data)
    except (OSError, TimeoutError) as error:
        log.info("a page stays without colours: %s", describe(error))
        page = b""
    return page or await asyncio.to_thread(to_html, transcript)


async def _run(data: bytes) -> bytes:
    """What the process makes of the conversation; empty if it fails. It is ended with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.export"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_ROOT,
        env={"PYTHONUTF8": "1"},  # none of our secrets
    )
    try:
        page, _ = await process.communicate(data)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return page if process.returncode == 0 else b""
