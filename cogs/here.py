"""The conversation of the channel in which a command was used, who asks there, and who may change how it is set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import discord

from bot.client import Client
from bot.errors import ForUser
from bot.limits import Asker
from bot.messages import Conversation, Said, Text

NOT_HERE = "This is not one of my conversations. Use this command in a thread with me, or in a DM."


async def conversation_here(interaction: discord.Interaction[Client]) -> Conversation:
    """The conversation of this channel; a DM is one from the start. Raises ForUser elsewhere."""
    store, channel_id = interaction.client.services.store, interaction.channel_id or 0
    conversation = await store.conversation(channel_id)
    if conversation is not None:
        return conversation
    if not isinstance(interaction.channel, discord.DMChannel):
        raise ForUser(NOT_HERE)
    began = interaction.created_at.timestamp()
    return await store.add_conversation(Conversation(channel_id, None, interaction.user.id, created_at=began))


def asker(user: discord.abc.User, at: datetime) -> Asker:
    """Who asks, with the roles that they have in the server where they do."""
    roles = tuple(role.id for role in user.roles) if isinstance(user, discord.Member) else ()
    return Asker(user.id, roles, at.timestamp())


def channels_of(channel: object) -> tuple[int, ...]:
    """The channels that limits on channels know a channel by: itself, and the one that a thread belongs to."""
    ids = (getattr(channel, "id", None), getattr(channel, "parent_id", None))
    return tuple(found for found in ids if isinstance(found, int))


def said_by(interaction: discord.Interaction[Any], text: str, *, said_id: int | None = None) -> Said:
    """What somebody says by an interaction."""
    user, by = interaction.user, asker(interaction.user, interaction.created_at)
    return Said(said_id or interaction.id, user.id, user.display_name, (Text(text),), by.at, by.roles)


async def check_may_ask(interaction: discord.Interaction[Any], *, conversation_id: int = 0) -> None:
    """Raise ForUser where a question would be refused here and now; see `Chat.check_may_ask`."""
    by = asker(interaction.user, interaction.created_at)
    await interaction.client.services.chat.check_may_ask(
        by, guild_id=interaction.guild_id, channels=channels_of(interaction.channel), conversation_id=conversation_id
    )


async def check_may_ask_here(interaction: discord.Interaction[Any]) -> Asker:
    """Who wishes an answer; raises ForUser where admins do not let them have one here."""
    by = asker(interaction.user, interaction.created_at)
    channels = channels_of(interaction.channel)
    await interaction.client.services.admission.check_place(by, guild_id=interaction.guild_id, channels=channels)
    return by


def check_may_change(interaction: discord.Interaction[Client], conversation: Conversation, sentence: str) -> None:
    """Raise ForUser with `sentence` unless this person began the conversation or moderates here."""
    if interaction.user.id != conversation.owner_id and not interaction.permissions.manage_messages:
        raise ForUser(sentence)
