"""Reads the files that come with a question, within limits, and says which could not be used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import discord

from bot.incoming import decode_file
from bot.messages import Part

MAX_FILES = 5
MAX_KB = 1_024
READ_SECONDS = 20.0


async def read_attachments(attachments: Sequence[discord.Attachment]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The files as parts of a question, and a sentence for each that cannot be one."""
    parts: list[Part] = []
    remarks: list[str] = []
    for attachment in attachments[:MAX_FILES]:
        part = await _read(attachment)
        if isinstance(part, str):
            remarks.append(part)
        else:
            parts.append(part)
    if len(attachments) > MAX_FILES:
        remarks.append(f"I read only the first {MAX_FILES} files of a message.")
    return tuple(parts), tuple(remarks)


async def _read(attachment: discord.Attachment) -> Part | str:
    name = discord.utils.escape_markdown(attachment.filename)
    if attachment.size > MAX_KB * 1_024:
        return f"I did not read {name}, because it is larger than {MAX_KB:,} KB."
    try:
        async with asyncio.timeout(READ_SECONDS):
            data = await attachment.read()
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError):
        return f"I could not load {name} from Discord. Please attach it again."
    if len(data) > MAX_KB * 1_024:
        return f"I did not read {name}, because it is larger than {MAX_KB:,} KB."
    return decode_file(attachment.filename, data) or f"I could not use {name}, because it is not a text file."
