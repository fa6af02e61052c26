"""Threads as Discord has them: where one can be opened, opening one for a question, and what was said there before."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from math import ceil
from typing import Any

import discord

from bot.earlier import Earlier, so_far
from bot.errors import ForUser, RetryLater
from bot.guild import GuildSettings
from bot.impatience import impatient
from bot.incoming import readable
from bot.messages import Conversation, Listen, Part, Text
from bot.starting import NEEDED, NO_HISTORY, NO_THREAD_HERE, Spot, refusal
from cogs.attachments import read_attachments

log = logging.getLogger(__name__)

EARLIER = 50
"""How many earlier messages of somebody else's thread are read when we are called into it."""

READ_SECONDS = 15.0
OPEN_SECONDS = 15.0

_THREAD_EXISTS = 160004
_REFUSED = {
    50021: "I cannot open a thread on a message of Discord's own. Please choose another message.",
    50024: NO_THREAD_HERE,
    160006: "This server has as many open threads as Discord allows. Please ask in one of them, or in a DM with me.",
}
"""Discord's error codes for a thread that cannot be opened, as sentences."""

_DELETED_ACCOUNT = ("deleted_user_", "Deleted User")
"""How Discord names those who have deleted their accounts."""


def spot_of(interaction: discord.Interaction[Any], known: Conversation | None) -> Spot:
    """Where an interaction takes place; `known` is the conversation of its channel."""
    if interaction.context.private_channel or (interaction.guild_id and not interaction.is_guild_integration()):
        return Spot.IN_PLACE
    if interaction.guild_id is None:
        return Spot.DM
    if known is not None:
        return Spot.OURS
    return _spot_in_server(interaction.channel)


def check_interaction(interaction: discord.Interaction[Any], spot: Spot) -> None:
    """Raise ForUser where the bot cannot answer, before anything is posted."""
    _check(spot, interaction.app_permissions)


def check_message(message: discord.Message, *, opens_thread: bool) -> None:
    """Raise ForUser where the bot cannot answer a message; nothing is known of a channel that is not cached."""
    if message.guild is None or message.guild.me is None or isinstance(message.channel, discord.PartialMessageable):
        return
    spot = _spot_in_server(message.channel) if opens_thread else Spot.THREAD
    _check(spot, _rights(message.channel))


@dataclass(frozen=True, slots=True)
class Opened:
    """The thread on a message; not `is_new` if somebody had opened it before."""

    id: int
    is_new: bool


async def open_thread(message: discord.Message, name: str) -> Opened:
    """Open a thread on a message; one that is there already is taken. Raises ForUser."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            with impatient():
                thread = await message.create_thread(name=name, auto_archive_duration=1440)
        return Opened(thread.id, is_new=True)
    except RetryLater as later:
        raise ForUser(f"Discord lets me open no more threads now. {in_a_while(later.seconds)}") from later
    except TimeoutError:
        raise ForUser("Discord did not open a thread in time. Please ask again in a moment.") from None
    except discord.HTTPException as error:
        if error.code == _THREAD_EXISTS:
            return Opened(message.id, is_new=False)  # Discord gives a thread the id of its message
        if error.code in _REFUSED:
            raise ForUser(_REFUSED[error.code]) from error
        if isinstance(error, discord.Forbidden):
            raise ForUser(refusal(Spot.CHANNEL, ("view_channel",)) or NO_THREAD_HERE) from error
        raise
    except ValueError:  # discord.py knows no server for the message's channel
        raise ForUser(NO_THREAD_HERE) from None


async def earlier_in(
    channel: Any, me: discord.abc.User | None, settings: GuildSettings, *, before: discord.abc.Snowflake
) -> tuple[tuple[Part, ...], tuple[str, ...], tuple[int, ...]]:
    """What was said in a thread so far, as one part behind its newest files, a remark where that could not be read,
    and who said it.

    Nobody asked for these files, so nothing is said of those that cannot be used.
    Discord shows no history at all to those who may not read it, and no error.
    """
    if isinstance(channel, discord.Thread) and not _rights(channel).read_message_history:
        return (), (NO_HISTORY,), ()
    try:
        async with asyncio.timeout(READ_SECONDS):
            with impatient():
                found = [message async for message in channel.history(limit=EARLIER, before=before)]
    except (discord.Forbidden, TimeoutError, RetryLater):
        return (), (NO_HISTORY,), ()
    newest = [attachment for message in found if message.author != me for attachment in message.attachments]
    files, _ = await read_attachments(newest[: settings.max_attachments][::-1], settings)
    text = so_far(_earlier(message, me) for message in reversed(found))
    return (*files, *((Text(text),) if text else ())), (), tuple(_speakers(found))


def in_a_while(seconds: float) -> str:
    """When to try again, as a sentence."""
    if seconds < 120:
        return f"Please ask again in {ceil(seconds)} seconds."
    return f"Please ask again in {ceil(seconds / 60)} minutes."


def joined(channel_id: int, channel: Any, owner_id: int, created_at: float, guild_id: int | None) -> Conversation:
    """A conversation in a thread that the bot did not open: its name is not ours, and it is for the people in it."""
    is_thread = isinstance(channel, discord.Thread)
    return Conversation(
        channel_id,
        guild_id,
        owner_id,
        listen=Listen.MENTIONS,
        created_at=created_at,
        parent_id=channel.parent_id if is_thread else None,
    )


def is_new_post(message: discord.Message) -> bool:
    """Whether a message begins a forum's post."""
    channel = message.channel
    return (
        isinstance(channel, discord.Thread)
        and channel.id == message.id
        and isinstance(channel.parent, discord.ForumChannel)
    )


def _earlier(message: discord.Message, me: discord.abc.User | None) -> Earlier:
    """A message as far as the model needs it; a thread's first line stands for the message it was opened on."""
    if message.type is discord.MessageType.thread_starter_message and message.reference is not None:
        begun_on = message.reference.resolved
        return _earlier(begun_on, me) if isinstance(begun_on, discord.Message) else Earlier("", is_nobodys=True)
    names = {user.id: user.display_name for user in message.mentions}
    return Earlier(
        message.author.display_name,
        readable(message.content, names, me=me.id if me else 0),
        tuple(attachment.filename for attachment in message.attachments),
        is_ours=me is not None and message.author.id == me.id,
        is_nobodys=message.is_system() or message.author.name.startswith(_DELETED_ACCOUNT),
    )


def _speakers(messages: list[discord.Message]) -> set[int]:
    """Who wrote them; a thread's first line stands for the message it was opened on."""
    begun_on = [message.reference.resolved for message in messages if message.reference is not None]
    found = [message for message in (*messages, *begun_on) if isinstance(message, discord.Message)]
    return {message.author.id for message in found if not message.author.bot}


def _spot_in_server(channel: Any) -> Spot:
    if isinstance(channel, discord.Thread):
        return Spot.THREAD
    return Spot.CHANNEL if isinstance(channel, discord.TextChannel) else Spot.NOWHERE


def _check(spot: Spot, rights: discord.Permissions) -> None:
    why = refusal(spot, [name for name in NEEDED if getattr(rights, name)])
    if why is not None:
        raise ForUser(why)


def _rights(channel: Any) -> discord.Permissions:
    """What the bot may do in a server's channel; all, where Discord's library does not know."""
    try:
        return channel.permissions_for(channel.guild.me)
    except (discord.ClientException, AttributeError):
        return discord.Permissions.all()
