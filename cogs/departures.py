"""Servers that add and remove the bot: noted with the time, so that they are forgotten when they stay away.

Discord tells of an outage by the same event as of a removal, but marks it
(`unavailable`); discord.py has two events of it, and here only the one is heard.
"""

from __future__ import annotations

import discord
from discord.ext import commands

from bot.client import Client


class Departures(commands.Cog):
    """Listens to servers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._store = client.services.store

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._store.note_departed([guild.id])

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._store.note_present([guild.id])

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        await self._store.note_present([guild.id])

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Find the servers that removed the bot, or took it back, while it was away."""
        known = await self._store.known_guilds()
        await self._store.note_departed([guild_id for guild_id in known if self._client.has_left(guild_id)])
        await self._store.note_present([guild.id for guild in self._client.guilds])
        self._client.services.housekeeping.wake()


async def setup(client: Client) -> None:
    await client.add_cog(Departures(client))
