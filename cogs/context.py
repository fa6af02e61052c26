"""`/context`: how full the model's window is, what was cached, and what the conversation has cost.

Private, for whoever can read the thread: a picture, and the same facts in words.
"""

from __future__ import annotations

import io

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.errors import ForUser
from bot.messages import TurnStatus
from bot.persona import system_prompt
from bot.render.chart import draw_window
from bot.render.window_facts import alt_text, facts
from bot.sight import abilities
from bot.window import Window, look_at, room_for
from cogs.picking import Picker

NOT_HERE = "This is not one of my conversations. Use this command in a thread with me, or in a DM."
_LONGEST_DESCRIPTION = 1024
"""Discord, "Attachment Object"."""


class Context(commands.Cog):
    """The `/context` command."""

    def __init__(self, client: Client) -> None:
        self._services = client.services
        self._picker = Picker(client.services)

    @app_commands.command(name="context", description="How full the model's window is here, and what this has cost")
    async def context(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.defer(ephemeral=True)
        window = await self._window(interaction)
        lines = [f"- {name}: {fact}" for name, fact in facts(window)]
        text = "\n".join(["**What the next request takes along**", *lines])
        picture = await self._services.easel.draw(lambda: draw_window(window))
        if picture is None:
            await interaction.followup.send(text, ephemeral=True)
            return
        description = alt_text(window)[:_LONGEST_DESCRIPTION]
        file = discord.File(io.BytesIO(picture), "context.png", description=description)
        await interaction.followup.send(text, file=file, ephemeral=True)

    async def _window(self, interaction: discord.Interaction[Client]) -> Window:
        """The window of this channel's conversation. Raises ForUser where there is none."""
        services = self._services
        conversation = await services.store.conversation(interaction.channel_id or 0)
        if conversation is None:
            raise ForUser(NOT_HERE)
        guild = await services.admission.settings_of(conversation.guild_id)
        model = self._picker.choice(conversation.model, guild).model
        info = services.catalogue.get(model)
        system = system_prompt(own=conversation.persona, guild=guild, shared=conversation.guild_id is not None)
        room = room_for(system, info, max_output=guild.max_output_tokens)
        turns = [turn for turn in await services.store.turns(conversation.id) if turn.status is not TurnStatus.REFUSED]
        spending = await services.store.spending(conversation.id)
        able = abilities(info, parses_pdfs=services.catalogue.speaks_openrouter)
        return look_at(conversation, turns, model=model, info=info, room=room, able=able, spending=spending)


async def setup(client: Client) -> None:
    await client.add_cog(Context(client))
