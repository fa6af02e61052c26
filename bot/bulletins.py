"""Brings notices to admins and operators with discord.py; the outlet of `bot/notices.py`.

It knows nothing of what the notices are about, nor of when they are given.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

import aiohttp
import discord

from bot.errors import RetryLater, describe
from bot.impatience import impatient

log = logging.getLogger(__name__)

_SECONDS = 10.0
"""How long Discord may take to accept a message."""
_LONGEST_NAME = 100


class Bulletins:
    """Writes to the people of the servers that a client is in."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def tell_admins(self, guild_id: int, channel_id: int | None, text: str) -> bool:
        """In their channel if one is named and can be written in, else to the server's owner, else where it greets."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return False
        # Only a channel of this server: what one server's admins are told is nobody else's business.
        channel = None if channel_id is None else guild.get_channel_or_thread(channel_id)
        if isinstance(channel, discord.abc.Messageable) and await _managed(channel.send(text)):
            return True
        name = discord.utils.escape_mentions(discord.utils.escape_markdown(guild.name[:_LONGEST_NAME]))
        if guild.owner_id is not None and await self.tell_person(guild.owner_id, f"**{name}**: {text}"):
            return True
        return guild.system_channel is not None and await _managed(guild.system_channel.send(text))

    async def tell_person(self, user_id: int, text: str) -> bool:
        """Write to somebody privately."""
        return await _managed(self._write(user_id, text))

    async def _write(self, user_id: int, text: str) -> None:
        channel = await self._client.create_dm(discord.Object(user_id))
        await channel.send(text)


async def _managed(sending: Awaitable[object]) -> bool:
    """Await a message's sending; False where Discord does not take it."""
    try:
        async with asyncio.timeout(_SECONDS):
            with impatient():
                await sending
    except (discord.DiscordException, aiohttp.ClientError, OSError, RetryLater) as error:
        log.debug("a notice did not reach its place: %s", describe(error))
        return False
    return True
