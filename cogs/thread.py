"""`/persona` and `/listen`: how one thread is set.

Both hold for all who write in the thread, so they are for the person who began it
and for moderators, and both hold from then on; nothing is answered again.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, tell
from bot.errors import ForUser
from bot.incoming import is_blank
from bot.messages import Conversation, Listen
from cogs.here import check_may_change, conversation_here

LONGEST_PERSONA = 4_000
"""Characters; what a field of Discord's takes at most."""

NOT_YOUR_PERSONA = "Only the person who began this thread, or a moderator, can change who I am in it."
NOT_YOUR_THREAD = "Only the person who began this thread, or a moderator, can change what I listen to in it."
GONE = "This conversation is not known any more; it was deleted."
TOO_LONG = "These instructions are too long: {:,} characters, of at most {:,}. Please shorten them."
OWN = "From the next answer on I follow this thread's own instructions ({:,} of at most {:,} characters)."
SERVERS = "From the next answer on I follow this server's instructions again."
USUAL = "From the next answer on I follow my usual instructions again."
HEARD = {
    Listen.ALL: "From now on every message in this thread is for me, except one that starts with `//`, replies to "
    "somebody else or begins with somebody's mention.",
    Listen.MENTIONS: "From now on only messages that mention me, or reply to me, are for me in this thread.",
}
IN_DM = "In a DM every message is for me, so there is nothing to set here."
UNREADABLE = (
    " But Discord does not let me read messages that do not mention me, so use a mention, or **Reply** under an answer."
)


class PersonaBox(discord.ui.Modal, title="Who I am here"):
    """Where a thread's own instructions to the model are written."""

    text = discord.ui.TextInput[Self](
        label=f"Instructions (up to {LONGEST_PERSONA:,} characters)",
        style=discord.TextStyle.paragraph,
        placeholder="You are a patient tutor for people who are new to Rust. Leave this empty for the usual.",
        max_length=LONGEST_PERSONA,
        required=False,
    )

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(timeout=900)
        self._conversation_id = conversation.id
        self.text.default = conversation.persona

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        services, text = interaction.client.services, self.text.value
        if len(text) > LONGEST_PERSONA:
            raise ForUser(TOO_LONG.format(len(text), LONGEST_PERSONA))
        conversation = await services.store.conversation(self._conversation_id)
        if conversation is None:
            raise ForUser(GONE)
        check_may_change(interaction, conversation, NOT_YOUR_PERSONA)
        await services.store.set_persona(conversation.id, None if is_blank(text) else text, by=interaction.user.id)
        usual = USUAL if conversation.guild_id is None else SERVERS
        told = usual if is_blank(text) else OWN.format(len(text), LONGEST_PERSONA)
        await interaction.response.send_message(told, ephemeral=True)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        await tell(interaction, error)


class Thread(commands.Cog):
    """The `/persona` and `/listen` commands."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._services = client.services

    @app_commands.command(name="persona", description="Give me instructions of this thread's own, or see them")
    async def persona(self, interaction: discord.Interaction[Client]) -> None:
        conversation = await conversation_here(interaction)
        check_may_change(interaction, conversation, NOT_YOUR_PERSONA)
        await interaction.response.send_modal(PersonaBox(conversation))

    @app_commands.command(name="listen", description="Which messages in this thread are for me")
    @app_commands.describe(mode="Every message, or only those that mention me")
    async def listen(self, interaction: discord.Interaction[Client], mode: Literal["all", "mentions"]) -> None:
        conversation = await conversation_here(interaction)
        if conversation.guild_id is None:
            raise ForUser(IN_DM)
        check_may_change(interaction, conversation, NOT_YOUR_THREAD)
        listen = Listen(mode)
        await self._services.store.set_listen(conversation.id, listen)
        unreadable = UNREADABLE if listen is Listen.ALL and not self._client.reads_messages else ""
        await interaction.response.send_message(HEARD[listen] + unreadable, ephemeral=True)


async def setup(client: Client) -> None:
    await client.add_cog(Thread(client))
