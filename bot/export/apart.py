"""Makes a page with coloured code in a process of its own (`bot/export/__main__.py`), which can be ended.

A lexer is a set of regular expressions, and some take minutes for a few hostile
kilobytes, during which Python runs nothing else. Where that happens the page
comes without colours. The process is told nothing but the conversation.
"""

from __future__ import annotations

import asyncio
import logging

from bot.apart import Failed, run_apart
from bot.export.archive import to_json
from bot.export.page import to_html
from bot.export.transcript import Transcript

log = logging.getLogger(__name__)

SECONDS = 20.0
"""For the process; more than the colours of any conversation of ordinary length take."""


async def to_coloured_html(transcript: Transcript, *, seconds: float = SECONDS) -> bytes:
    """The page, with colours if they are there in time. Nothing here blocks the event loop."""
    data = await asyncio.to_thread(to_json, transcript)
    try:
        return await run_apart("bot.export", data, seconds=seconds)
    except Failed as failure:
        log.info("a page stays without colours: %s", failure)
        return await asyncio.to_thread(to_html, transcript)
