"""`/title`: what a thread is called, by hand or made anew from the conversation.

For the person who began the thread and for moderators, since everybody sees the
name.
"""

from __future__ import annotations

import time

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.errors import ForUser, RetryLater
from bot.messages import Conversation
from bot.titles import NAME_LENGTH, clean_name

NOT_HERE = "This is not one of my conversations. Use this command in a thread with me."
NO_NAME_HERE = "A direct message has no title. Use this command in a thread with me."
NOT_YOURS = "Only the person who began this thread, or a moderator, can rename it."
NOTHING_TO_SEE = "Nothing can be seen of this title. Please choose one with letters, digits or emoji."


class Title(commands.Cog):
    """The `/title` command."""

    def __init__(self, client: Client) -> None:
        self._services = client.services

    @app_commands.command(name="title", description="Rename this thread; without a text I make a title of it")
    @app_commands.guild_only()
    @app_commands.describe(text="The new title; leave it out to have one made from the conversation")
    async def title(
        self, interaction: discord.Interaction[Client], text: app_commands.Range[str, 1, NAME_LENGTH] | None = None
    ) -> None:
        conversation = await self._conversation(interaction)
        name = None if text is None else clean_name(text)
        if text is not None and name is None:
            raise ForUser(NOTHING_TO_SEE)
        await interaction.response.defer(ephemeral=True)
        try:
            self._services.naming.check_may_rename(conversation.id)
            name = name or await self._services.naming.invent(conversation)
            await self._services.naming.rename(conversation.id, name)
        except RetryLater as later:
            raise ForUser(_too_often(later.seconds)) from later
        shown = discord.utils.escape_markdown(discord.utils.escape_mentions(name))
        await interaction.followup.send(f"This thread is now called **{shown}**.", ephemeral=True)

    async def _conversation(self, interaction: discord.Interaction[Client]) -> Conversation:
        """The conversation of this thread, if this person may rename it. Raises ForUser."""
        if interaction.guild_id is None:
            raise ForUser(NO_NAME_HERE)
        conversation = await self._services.store.conversation(interaction.channel_id or 0)
        if conversation is None:
            raise ForUser(NOT_HERE)
        if interaction.user.id != conversation.owner_id and not interaction.permissions.manage_messages:
            raise ForUser(NOT_YOURS)
        return conversation


def _too_often(seconds: float) -> str:
    return (
        "Discord takes only two new names of a thread in ten minutes. "
        f"Please try again <t:{int(time.time() + seconds) + 1}:R>."
    )


async def setup(client: Client) -> None:
    await client.add_cog(Title(client))
