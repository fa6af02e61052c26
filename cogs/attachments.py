"""Reads the files that come with a question, within the server's limits, and says which could not be used.

Files are read when their message arrives: Discord's links expire after a day,
and what is read is kept, so that no later turn needs them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp
import discord

from bot.attachments import Unusable, read_file
from bot.guild import GuildSettings
from bot.messages import Part, Text
from bot.sight import label

READ_SECONDS = 20.0
_PIECE = 65_536
READER = "read_attachment"
"""The tool that reads what is too large to be part of a question."""

Refresh: TypeAlias = Callable[[], Awaitable[Sequence[discord.Attachment]]]
"""Fetches a message's attachments anew, with links that have not expired. May raise discord.HTTPException."""


class _NotLoaded(Exception):
    """Read by `_Reading.read`, which says so: what is behind a link cannot be had."""


class _Expired(_NotLoaded):
    """Read by `_Reading`: the link is not valid any more, or the file was deleted; Discord does not tell which."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A file that is no part of a question: the sentence that says why, and what the model may be told of it."""

    why: str
    hint: Text | None = None


async def read_attachments(
    attachments: Sequence[discord.Attachment],
    settings: GuildSettings | None = None,
    *,
    refresh: Refresh | None = None,
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The files as parts of a question, in order, and a sentence for each that cannot be one.

    `settings` are the server's, which say how many and how large. Where a link
    has expired, `refresh` is asked once for new ones.
    """
    settings = settings or GuildSettings()
    wanted = attachments[: settings.max_attachments]
    if not wanted:
        return (), ()
    async with aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as session:
        reading = _Reading(session, settings.max_attachment_kb, refresh)
        found = await asyncio.gather(*map(reading.read, wanted))
    hints = READER in settings.tools
    shown = [(item.hint if hints else None) if isinstance(item, _Refused) else item for item in found]
    parts = tuple(part for part in shown if part is not None)
    remarks = [item.why for item in found if isinstance(item, _Refused)]
    if len(attachments) > len(wanted):
        remarks.append(f"I read only the first {len(wanted)} files of a message.")
    return parts, tuple(remarks)


class _Reading:
    """The files of one message being read."""

    def __init__(self, session: aiohttp.ClientSession, max_kb: int, refresh: Refresh | None) -> None:
        self._session = session
        self._max_kb = max_kb
        self._refresh = refresh
        self._refreshing = asyncio.Lock()
        self._links: dict[int, str] | None = None

    async def read(self, attachment: discord.Attachment) -> Part | _Refused:
        """A file as a part, or why it is none."""
        name = discord.utils.escape_markdown(attachment.filename)
        if attachment.size > self._max_kb * 1_024:
            return self._too_large(attachment)
        try:
            async with asyncio.timeout(READ_SECONDS):
                data = await self._load(attachment)
        except (_NotLoaded, discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError):
            return _Refused(f"I could not load {name} from Discord. Please attach it again.")
        if data is None:
            return self._too_large(attachment)
        part = await asyncio.to_thread(read_file, attachment.filename, data)
        return _Refused(f"I could not use {name}, because {part.why}.") if isinstance(part, Unusable) else part

    def _too_large(self, attachment: discord.Attachment) -> _Refused:
        name, file = discord.utils.escape_markdown(attachment.filename), label(attachment.filename)
        return _Refused(
            f"I did not read {name}, because it is larger than {self._max_kb:,} KB.",
            Text(f"[file {file}, too large to be shown here; {READER} reads it page by page if it is text]"),
        )

    async def _load(self, attachment: discord.Attachment) -> bytes | None:
        try:
            return await self._download(attachment.url)
        except _Expired:
            links = await self._fresh_links()
            if attachment.id not in links:
                raise
        return await self._download(links[attachment.id])

    async def _fresh_links(self) -> dict[int, str]:
        """New links for the message's files by their ids; they are fetched once, for all files."""
        async with self._refreshing:
            if self._links is None:
                self._links = {}  # whatever comes of it, it is not tried again
                if self._refresh is not None:
                    self._links = {attachment.id: attachment.url for attachment in await self._refresh()}
            return self._links

    async def _download(self, url: str) -> bytes | None:
        """A file's bytes, or None where there are more than allowed, whatever size was announced."""
        most, data = self._max_kb * 1_024, bytearray()
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status in (403, 404, 410):
                raise _Expired
            if response.status != 200:
                raise _NotLoaded
            async for piece in response.content.iter_chunked(_PIECE):
                data += piece
                if len(data) > most:
                    return None
        return bytes(data)
