"""What people do to messages, threads and channels afterwards: the history follows.

Works on raw events, for no messages are kept in memory. What an edit or a
deletion means for a conversation is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import discord
from discord.ext import commands

from bot.client import Client
from bot.errors import describe
from cogs.chat import Chat

log = logging.getLogger(__name__)

FORGET_AGAIN_AFTER = (1.0, 10.0, 60.0, 600.0)
"""Seconds before each further attempt to forget what was deleted, where the database did not take it."""

EDIT_SECONDS = 1.5
"""A message that is edited again and again is taken in this often, and once more in the end."""


class Changes(commands.Cog):
    """Listens to edits and deletions."""

    def __init__(self, client: Client, chat: Chat) -> None:
        self._chat = chat
        self._changes = client.services.changes
        self._edited: dict[int, discord.Message] = {}
        """The newest text of each message whose edits are being taken in."""

    @commands.Cog.listener()
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Take in an edit by a member; pins, flags and embeds that resolve leave no time of an edit."""
        message = event.message
        if message.edited_at is None or message.author.bot or message.webhook_id is not None:
            return
        is_at_work = message.id in self._edited
        self._edited[message.id] = message
        if not is_at_work:
            await self._take_in(message)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await _for_sure(lambda: self._chat.forget({event.message_id}))

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        await _for_sure(lambda: self._chat.forget(event.message_ids))

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        await _for_sure(lambda: self._changes.forget(event.thread_id))

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Its threads go with it; Discord does not tell of each."""
        await _for_sure(lambda: self._changes.forget(channel.id))

    async def _take_in(self, message: discord.Message) -> None:
        """Take in a message's edits until it rests: the first at once, later ones at intervals, the last for sure."""
        try:
            while True:
                try:
                    await self._chat.revise(message)
                except Exception as error:  # noqa: BLE001 - the edge of one edit: the next one is still taken in
                    log.error("an edit could not be taken in: %s", describe(error))
                await asyncio.sleep(EDIT_SECONDS)
                if self._edited[message.id] is message:
                    return
                message = self._edited[message.id]
        finally:
            del self._edited[message.id]


async def _for_sure(forget: Callable[[], Awaitable[None]]) -> None:
    """Forget something, trying again where that fails: nobody can delete it on Discord a second time."""
    for pause in FORGET_AGAIN_AFTER:
        try:
            await forget()
        except Exception as error:  # noqa: BLE001 - whatever the database's driver raises, it is tried again
            log.error("a deletion could not be followed: %s", describe(error))
        else:
            return
        await asyncio.sleep(pause)
    await forget()


async def setup(client: Client) -> None:
    chat = client.get_cog("Chat")
    if not isinstance(chat, Chat):
        raise TypeError("cogs.chat has to be loaded before cogs.changes")
    await client.add_cog(Changes(client, chat))
