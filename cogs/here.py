"""The conversation of the channel in which a command was used, and who may change how it is set."""

from __future__ import annotations

import discord

from bot.client import Client
from bot.errors import ForUser
from bot.messages import Conversation

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


def check_may_change(interaction: discord.Interaction[Client], conversation: Conversation, sentence: str) -> None:
    """Raise ForUser with `sentence` unless this person began the conversation or moderates here."""
    if interaction.user.id != conversation.owner_id and not interaction.permissions.manage_messages:
        raise ForUser(sentence)
