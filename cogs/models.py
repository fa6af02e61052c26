"""`/model`: which model answers in this thread or DM.

Everybody may look; choosing is for the person who began the thread and for
moderators, since it holds for all who write there. It is told in private: every
answer names its model anyway.
"""

from __future__ import annotations

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.choosing import UNCHECKED, Choice
from bot.client import Client
from bot.effort import offered
from bot.finding import window
from bot.guild import GuildSettings
from bot.messages import Conversation
from bot.model import ModelInfo, short_name
from cogs.here import check_may_change, conversation_here
from cogs.picking import Picker

DEFAULT = "default"
NOT_YOURS = "Only the person who began this thread, or a moderator, can choose the model that answers in it."


class Models(commands.Cog):
    """The `/model` command."""

    def __init__(self, client: Client) -> None:
        self._services = client.services
        self._picker = Picker(client.services)

    @app_commands.command(name="model", description="Which model answers in this thread")
    @app_commands.describe(name="The model that answers from the next answer on; “default” for the server's own")
    async def model(
        self, interaction: discord.Interaction[Client], name: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        conversation = await conversation_here(interaction)
        guild = await self._services.admission.settings_of(conversation.guild_id)
        if name is not None:
            check_may_change(interaction, conversation, NOT_YOURS)
            model = await self._chosen(name, conversation)
            await self._services.store.set_model(conversation.id, model)
            conversation = replace(conversation, model=model)
        head = "**The model in this conversation**" if name is None else "**From the next answer on**"
        await interaction.response.send_message("\n".join([head, *self._told(conversation, guild)]), ephemeral=True)

    @model.autocomplete("name")
    async def _names(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        default = app_commands.Choice(name=f"{DEFAULT} · what is usual here", value=DEFAULT)
        return await self._picker.models(interaction, typed, more=(default,))

    async def _chosen(self, name: str, conversation: Conversation) -> str | None:
        """The model to store; None for the default. Raises ForUser for one that cannot be had here."""
        if name.strip().casefold() == DEFAULT:
            return None
        return (await self._picker.picked(name, conversation.guild_id)).model

    def _told(self, conversation: Conversation, guild: GuildSettings) -> list[str]:
        """How a conversation's model is set, and what is known of the model, as lines."""
        catalogue, choice = self._services.catalogue, self._picker.choice(conversation.model, guild)
        info = catalogue.get(choice.model)
        lines = [_named(choice, info, _origin(conversation, guild)), choice.notice, choice.refusal]
        if info is None:
            lines.append(None if catalogue.all() else UNCHECKED)
        else:
            lines += [_size(info), _price(info), _abilities(info) if catalogue.speaks_openrouter else None]
            lines.append(_effort(conversation.effort or guild.effort, info, guild))
            if info in catalogue.retiring():
                lines.append(f"⚠ Retires on {info.retires_on}; please choose another one by then")
        if choice.fallbacks:
            lines.append(f"If it fails: {', '.join(map(short_name, choice.fallbacks))}")
        return [f"- {line}" for line in lines if line]


def _origin(conversation: Conversation, guild: GuildSettings) -> str:
    if conversation.model:
        return "chosen here"
    return "this server's default" if guild.model else "the default"


def _named(choice: Choice, info: ModelInfo | None, origin: str) -> str:
    why = "in its place" if choice.notice else origin
    name = discord.utils.escape_markdown(info.name) if info else short_name(choice.model)
    return f"**{name}** (`{choice.model}`), {why}"


def _size(info: ModelInfo) -> str:
    most = f", writes up to {info.max_output_tokens:,}" if info.max_output_tokens else ""
    return f"Reads up to {window(info)} tokens{most}"


def _abilities(info: ModelInfo) -> str:
    has = {
        "reason": info.reasons,
        "use tools": info.uses_tools,
        "see images": info.sees_images,
        "read files such as PDFs": info.reads_files,
    }
    can, cannot = ([verb for verb, is_able in has.items() if is_able is wanted] for wanted in (True, False))
    told = [f"Can {_joined(can, 'and')}" if can else "", f"cannot {_joined(cannot, 'or')}" if cannot else ""]
    sentence = "; ".join(filter(None, told))
    return sentence[0].upper() + sentence[1:]


def _joined(words: list[str], conjunction: str) -> str:
    return f" {conjunction} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _price(info: ModelInfo) -> str | None:
    if info.prompt_price is None or info.completion_price is None:
        return None
    read, written = (f"${price / 1_000:.2f}" for price in (info.prompt_price, info.completion_price))
    is_free = not info.prompt_price and not info.completion_price
    return "Costs nothing" if is_free else f"Costs {read} a million tokens read, {written} written"


def _effort(effort: str | None, info: ModelInfo, guild: GuildSettings) -> str | None:
    """What becomes of the effort that was chosen before, where the model does not take it."""
    if effort is None or effort in offered(info, guild.max_effort):
        return None
    return f"Does not offer the effort “{effort}” that is set here, so it thinks as hard as it does by itself"


async def setup(client: Client) -> None:
    await client.add_cog(Models(client))
