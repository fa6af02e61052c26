"""`/reasoning`: how hard the model thinks, and whether people see it; and one answer's thoughts, shown in private.

Everybody who can see an answer may look at its thoughts, and everybody may ask
how a thread is set; changing it is for the person who began the thread and for
moderators, since it holds for all who write there.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any, Literal, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.effort import offered
from bot.errors import ForUser
from bot.guild import GuildSettings
from bot.messages import Conversation, ShowReasoning, Turn
from bot.model import ModelInfo, short_name
from bot.render.page import PageFile
from bot.render.thoughts import thoughts
from cogs.here import check_may_change, conversation_here
from cogs.picking import Picker

DEFAULT = "default"
NOT_YOURS = "Only the person who began this thread, or a moderator, can change how I think in it."
NO_THOUGHTS = "The model did not share its reasoning for this answer."
NO_THOUGHTS_YET = "The model has not shared any reasoning for this answer yet. Please press again in a moment."

_SHOWN = {
    ShowReasoning.HIDDEN: "hidden; **Reasoning** under an answer shows it to you alone",
    ShowReasoning.SPOILER: "in a message above each answer, behind a spoiler",
}


class Reasoning(commands.Cog):
    """The `/reasoning` command."""

    def __init__(self, client: Client) -> None:
        self._services = client.services
        self._picker = Picker(client.services)

    @app_commands.command(name="reasoning", description="How hard I think in this thread, and whether you see it")
    @app_commands.describe(
        effort="How hard the model thinks, from the next answer on",
        show="Whether the reasoning is shown above each answer, behind a spoiler",
    )
    async def reasoning(
        self,
        interaction: discord.Interaction[Client],
        effort: app_commands.Range[str, 1, 40] | None = None,
        show: Literal["hidden", "spoiler"] | None = None,
    ) -> None:
        conversation = await conversation_here(interaction)
        guild = await self._services.admission.settings_of(conversation.guild_id)
        info = self._info(conversation, guild)
        if effort is not None or show is not None:
            check_may_change(interaction, conversation, NOT_YOURS)
            if effort is not None:
                conversation = replace(conversation, effort=self._checked(effort, conversation, info, guild))
                await self._services.store.set_effort(conversation.id, conversation.effort)
            if show is not None:
                conversation = replace(conversation, show_reasoning=ShowReasoning(show))
                await self._services.store.set_show_reasoning(conversation.id, conversation.show_reasoning)
        head = "**Reasoning in this conversation**" if effort is show is None else "**From the next answer on**"
        text = f"{head}\n{_described(conversation, info, guild)}"
        await interaction.response.send_message(text, ephemeral=True)

    @reasoning.autocomplete("effort")
    async def _efforts(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return await self._picker.in_time(self._offered(interaction, typed))

    async def _offered(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        conversation = await conversation_here(interaction)
        guild = await self._services.admission.settings_of(conversation.guild_id)
        names = (*offered(self._info(conversation, guild), guild.max_effort), DEFAULT)
        return [app_commands.Choice(name=name, value=name) for name in names if typed.strip().casefold() in name][:25]

    def _model(self, conversation: Conversation, guild: GuildSettings) -> str:
        return self._picker.choice(conversation.model, guild).model

    def _info(self, conversation: Conversation, guild: GuildSettings) -> ModelInfo | None:
        return self._services.catalogue.get(self._model(conversation, guild))

    def _checked(
        self, effort: str, conversation: Conversation, info: ModelInfo | None, guild: GuildSettings
    ) -> str | None:
        """The effort to store; None for the default. Raises ForUser for one that is not on offer."""
        effort = effort.strip().casefold()
        if effort == DEFAULT:
            return None
        efforts = offered(info, guild.max_effort)
        if effort in efforts:
            return effort
        name = short_name(self._model(conversation, guild))
        if info is not None and effort in info.efforts:
            raise ForUser(f"This server allows an effort of at most “{guild.max_effort}”. {_choices(efforts)}")
        if not efforts:
            raise ForUser(f"{name} does not let me choose how hard it thinks. Please leave the effort out.")
        raise ForUser(f"{name} does not offer this effort. {_choices(efforts)}")


def _choices(efforts: tuple[str, ...]) -> str:
    return f"Please choose one of: {', '.join((*efforts, DEFAULT))}."


def _described(conversation: Conversation, info: ModelInfo | None, guild: GuildSettings) -> str:
    """How a conversation is set, as two lines."""
    if conversation.effort:
        effort = f"**{conversation.effort}**"
    elif guild.effort:
        effort = f"**{guild.effort}**, this server's default"
    else:
        effort = "the model's own default"
    efforts = offered(info, guild.max_effort)
    choice = f" (on offer: {', '.join(efforts)})" if efforts else ""
    return f"- Effort: {effort}{choice}\n- Shown: {_SHOWN[conversation.show_reasoning]}"


async def show_thoughts(interaction: discord.Interaction[Any], turn: Turn) -> None:
    """Show one person alone what the model thought for an answer, as far as it has come. Raises ForUser."""
    found = thoughts(turn)
    if found is None:
        raise ForUser(NO_THOUGHTS_YET if turn.status.unfinished else NO_THOUGHTS)
    first, *more = found.pages
    if found.file is None:
        await interaction.response.send_message(first, ephemeral=True, suppress_embeds=True)
    else:
        file = _file(found.file)
        await interaction.response.send_message(first, ephemeral=True, suppress_embeds=True, file=file)
    followup = cast(discord.Webhook, interaction.followup)
    for page in more:
        await followup.send(page, ephemeral=True, suppress_embeds=True)


def _file(file: PageFile) -> discord.File:
    return discord.File(io.BytesIO(file.data), file.name)


async def setup(client: Client) -> None:
    await client.add_cog(Reasoning(client))
