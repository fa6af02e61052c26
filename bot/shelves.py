"""What tools may read of Discord: messages and files, and only where the person who asked may read them.

Implements `bot/tools/shelves.py` with discord.py. Who may read is worked out at
each call from what Discord says then: the asker's roles, the channel's rules, the
membership of a private thread; and so is who else may, where it would be answered.
Whatever may not be read is refused in the same words as what does not exist. It
knows nothing of tools or models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import aiohttp
import discord

from bot.audience import CONNECT, READ_HISTORY, VIEW, Overwrite, all_may_read
from bot.earlier import without_small_print
from bot.errors import RetryLater
from bot.impatience import impatient
from bot.incoming import readable
from bot.tools import Asking, ToolFailed
from bot.tools.shelves import MOST_MESSAGES, Attached, Excerpt, Spot, Written

SECONDS = 20.0
"""How long Discord may take for one call of a tool."""
LOOKED_FOR_FILES = 200
"""Messages of a place in whose attachments a name is looked for."""
_PIECE = 65_536

NOT_READABLE = "There is no such channel or thread in this server, or it may not be read here."
NO_MESSAGE = "There is no such message there, or it may not be read."
NO_PLACE = "This conversation takes place in no channel, so there is nothing else to read."
NO_ANSWER = "Discord did not answer in time. Try again later, or go on without it."
NO_FILE = "Discord did not give the file. Try again later, or go on without it."
A_FORUM = "This is a forum. Give one of its posts instead."
ONLY_THIS = "In direct messages only this conversation can be read."

_Place: TypeAlias = "discord.Thread | discord.TextChannel | discord.VoiceChannel | discord.StageChannel"


class DiscordShelves:
    """Messages and files by way of a client."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def closed(self, asking: Asking, spot: Spot, *, around: bool = False) -> int | None:
        if asking.guild_id is None or (spot.channel_id in (None, asking.conversation_id) and not around):
            return None
        with _told():
            async with asyncio.timeout(2 * SECONDS):
                places = await self._places(asking, spot, around=around)
                here = await self._found(places[0].guild, asking.conversation_id)
        return next((place.id for place in places if not _is_open(place, here)), None)

    async def excerpt(self, asking: Asking, spot: Spot, *, after: bool, n: int) -> Excerpt:
        with _told():
            async with asyncio.timeout(SECONDS):
                channel = await self._channel(asking, spot.channel_id)
                edge = None if spot.message_id is None else discord.Object(spot.message_id)
                n = min(n, MOST_MESSAGES)
                if after and edge is not None:
                    found = [message async for message in channel.history(limit=n, after=edge, oldest_first=True)]
                else:
                    found = [message async for message in channel.history(limit=n, before=edge)][::-1]
        return Excerpt(_name(channel), [*self._written(found)], more=len(found) == n)

    async def recent(self, asking: Asking, spot: Spot, *, most: int) -> Sequence[Excerpt]:
        with _told():
            async with asyncio.timeout(2 * SECONDS):
                excerpts: list[Excerpt] = []
                for place in await self._places(asking, spot, around=spot.channel_id is None):
                    found = [message async for message in place.history(limit=most)][::-1]
                    excerpts.append(Excerpt(_name(place), [*self._written(found)], more=len(found) == most))
        return excerpts

    async def files(self, asking: Asking, spot: Spot) -> Sequence[Attached]:
        return [file for message in await self._with_files(asking, spot) for file in _attached(message)]

    async def load(self, asking: Asking, spot: Spot, file: Attached, *, most: int) -> bytes:
        messages = await self._with_files(asking, spot)
        there = next((one for message in messages for one in message.attachments if one.id == file.id), None)
        if there is None:
            raise ToolFailed(NO_FILE)
        data = bytearray()
        try:
            async with (
                asyncio.timeout(SECONDS),
                aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as session,
                session.get(there.url, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise ToolFailed(NO_FILE)
                async for piece in response.content.iter_chunked(_PIECE):
                    data += piece
                    if len(data) > most:
                        raise ToolFailed(NO_FILE)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise ToolFailed(NO_FILE) from None
        return bytes(data)

    async def _with_files(self, asking: Asking, spot: Spot) -> list[discord.Message]:
        """The spot's message, or the newest ones of the place, newest first. Raises ToolFailed."""
        with _told():
            async with asyncio.timeout(SECONDS):
                channel = await self._channel(asking, spot.channel_id)
                if spot.message_id is not None:
                    found = [await channel.fetch_message(spot.message_id)]
                else:
                    found = [message async for message in channel.history(limit=LOOKED_FOR_FILES)]
        return [*map(_meant, found)]

    async def _places(self, asking: Asking, spot: Spot, *, around: bool) -> list[Any]:
        """The spot's channel or thread, and if wanted the channel around it that can be read. Raises ToolFailed."""
        channel = await self._channel(asking, spot.channel_id)
        parents = await self._parent(asking, channel) if around and isinstance(channel, discord.Thread) else []
        return [channel, *parents]

    async def _channel(self, asking: Asking, channel_id: int | None) -> Any:
        """A place that the asker and the bot may read now. Raises ToolFailed."""
        wanted = asking.conversation_id if channel_id is None else channel_id
        if asking.guild_id is None:
            return await self._private(asking, wanted)
        guild = self._client.get_guild(asking.guild_id)
        if guild is None:
            raise ToolFailed(NOT_READABLE)
        channel = await self._found(guild, wanted)
        member = await guild.fetch_member(asking.asker_id)
        if not _reads(channel, guild.me) or not await _is_for(channel, member):
            raise ToolFailed(NOT_READABLE)
        if _is_adult(channel) and not _is_adult(await self._found(guild, asking.conversation_id)):
            raise ToolFailed(NOT_READABLE)
        return channel

    async def _private(self, asking: Asking, wanted: int) -> Any:
        """The asker's own direct messages."""
        if wanted != asking.conversation_id:
            raise ToolFailed(ONLY_THIS)
        channel = await self._client.fetch_channel(wanted)
        if not isinstance(channel, discord.DMChannel):
            raise ToolFailed(NO_PLACE)
        return channel

    async def _found(self, guild: discord.Guild, channel_id: int) -> _Place:
        """A place of a server, whoever may read it. Raises ToolFailed."""
        channel = guild.get_channel_or_thread(channel_id) or await self._client.fetch_channel(channel_id)
        if isinstance(channel, discord.abc.PrivateChannel) or channel.guild.id != guild.id:
            raise ToolFailed(NOT_READABLE)
        if isinstance(channel, discord.ForumChannel):
            raise ToolFailed(A_FORUM)
        if isinstance(channel, discord.CategoryChannel):
            raise ToolFailed(NOT_READABLE)
        return channel

    async def _parent(self, asking: Asking, thread: discord.Thread) -> list[Any]:
        """The channel that a thread is in, if it can be read."""
        try:
            return [await self._channel(asking, thread.parent_id)]
        except ToolFailed:
            return []

    def _written(self, messages: Sequence[discord.Message]) -> Generator[Written]:
        me = self._client.user
        for message in map(_meant, messages):
            if message.is_system():
                continue
            is_ours = me is not None and message.author.id == me.id
            names = {user.id: user.display_name for user in message.mentions}
            text = readable(message.content, names, me=0)
            yield Written(
                message.id,
                message.author.display_name,
                without_small_print(text) if is_ours else text,
                message.created_at.timestamp(),
                _attached(message),
                is_ours,
                _author(message),
            )


def _meant(message: discord.Message) -> discord.Message:
    """The message itself; a thread's first line stands for the message that the thread was opened on."""
    if message.type is discord.MessageType.thread_starter_message and message.reference is not None:
        begun_on = message.reference.resolved
        return begun_on if isinstance(begun_on, discord.Message) else message
    return message


def _attached(message: discord.Message) -> tuple[Attached, ...]:
    author = _author(message)
    return tuple(Attached(file.id, file.filename, file.size, author) for file in message.attachments)


def _author(message: discord.Message) -> int | None:
    """The person who wrote a message; None of bots."""
    return None if message.author.bot else message.author.id


def _reads(channel: _Place, member: discord.Member) -> bool:
    """Whether a member may read a channel's history; in a thread the rules are those of its channel."""
    try:
        rights = channel.permissions_for(member)
    except discord.ClientException:  # nothing is known of the thread's channel
        return False
    return rights.value & (needed := _needed(channel)) == needed


def _needed(channel: Any) -> int:
    """The permissions that reading a channel takes (Discord, "Get Channel Messages")."""
    is_voice = isinstance(channel, discord.VoiceChannel | discord.StageChannel)
    return VIEW | READ_HISTORY | (CONNECT if is_voice else 0)


def _is_open(place: _Place, here: _Place) -> bool:
    """Whether everybody who can see `here` may read a place. What cannot be told counts as closed."""
    if place.id == here.id:
        return True
    around, around_here = (one.parent if isinstance(one, discord.Thread) else one for one in (place, here))
    if around is None or around_here is None or (isinstance(place, discord.Thread) and place.is_private()):
        return False
    roles = {role.id: role.permissions.value for role in place.guild.roles}
    return all_may_read(
        _overwrites(around), _needed(around), here=_overwrites(around_here), roles=roles, everyone=place.guild.id
    )


def _overwrites(channel: discord.abc.GuildChannel) -> dict[int, Overwrite]:
    pairs = {target.id: overwrite.pair() for target, overwrite in channel.overwrites.items()}
    return {id_: Overwrite(allow.value, deny.value) for id_, (allow, deny) in pairs.items()}


async def _is_for(channel: _Place, member: discord.Member) -> bool:
    """Whether somebody may read a place; a private thread is for its members and for moderators."""
    if not _reads(channel, member):
        return False
    if not isinstance(channel, discord.Thread) or not channel.is_private():
        return True
    if channel.permissions_for(member).manage_threads:
        return True
    try:
        await channel.fetch_member(member.id)
    except discord.NotFound:
        return False
    return True


def _is_adult(channel: _Place) -> bool:
    """Whether a place is age-restricted; a thread is where its channel is."""
    return channel.is_nsfw()


def _name(channel: Any) -> str:
    return f"#{channel.name}" if isinstance(channel, discord.abc.GuildChannel | discord.Thread) else "this conversation"


@contextmanager
def _told() -> Generator[None]:
    """Say in a model's words what Discord refused; requests are given up rather than repeated."""
    try:
        with impatient():
            yield
    except discord.NotFound as error:
        raise ToolFailed(NO_MESSAGE if error.code == 10008 else NOT_READABLE) from None
    except discord.Forbidden:
        raise ToolFailed(NOT_READABLE) from None
    except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, RetryLater, TimeoutError, OSError):
        raise ToolFailed(NO_ANSWER) from None
