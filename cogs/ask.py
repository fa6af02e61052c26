"""`/ask`: a question without a mention, with its options.

Opens a thread in a server's channel; in a conversation of ours, or in a DM, the
question is asked in place.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.effort import offered
from bot.errors import ForUser
from bot.incoming import is_blank, one_line, thread_name
from bot.messages import Conversation, Said, Text
from bot.model import ModelInfo
from cogs.attachments import read_attachments

QUOTED = 1_500
"""How much of the prompt is quoted in the channel, in characters."""

NO_THREAD_HERE = "I cannot open a thread in this kind of channel. Please ask in a text channel or in a DM."
NO_RIGHTS = (
    "I may not open a thread here. Please ask an admin to give me the permissions **Create Public Threads** and "
    "**Send Messages in Threads** in this channel."
)


class Ask(commands.Cog):
    """The `/ask` command."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._services = client.services

    @app_commands.command(name="ask", description="Ask Cogitor; it answers in a new thread")
    @app_commands.describe(
        prompt="Your question",
        file="A text or code file that belongs to it",
        model="Which model answers in this thread",
        effort="How hard the model thinks",
    )
    async def ask(
        self,
        interaction: discord.Interaction[Client],
        prompt: app_commands.Range[str, 1, 4000],
        file: discord.Attachment | None = None,
        model: str | None = None,
        effort: str | None = None,
    ) -> None:
        if is_blank(prompt):
            raise ForUser("The question is empty. Please write what you would like to know.")
        info = self._checked_model(model)
        efforts = offered(info, (await self._services.chat.settings_of(interaction.guild_id)).max_effort)
        if effort and info and effort not in efforts:
            raise ForUser(f"{info.name} does not offer the effort “{effort}” here. {_on_offer(efforts)}")
        known = await self._services.store.conversation(interaction.channel_id or 0)
        if known is None and interaction.guild is not None:
            _check_thread_possible(interaction)
        said_by = interaction.user.display_name
        await interaction.response.send_message(_quoted(prompt, said_by))
        parts, remarks = await read_attachments([file] if file else [])
        conversation = known or await self._conversation(interaction, prompt, model, effort)
        said = Said(
            interaction.id,
            interaction.user.id,
            said_by,
            (Text(prompt), *parts),
            interaction.created_at.timestamp(),
        )
        await self._services.chat.ask(conversation, said, remarks=remarks)

    @ask.autocomplete("model")
    async def _models(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        found = self._services.catalogue.search(typed)
        return [app_commands.Choice(name=_described(info), value=info.id) for info in found if len(info.id) <= 100]

    @ask.autocomplete("effort")
    async def _effort(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        chosen: Any = interaction.namespace.model or self._services.settings.model
        info = self._services.catalogue.get(str(chosen))
        guild = await self._services.chat.settings_of(interaction.guild_id)
        efforts = offered(info, guild.max_effort)
        return [app_commands.Choice(name=name, value=name) for name in efforts if typed in name][:25]

    def _checked_model(self, model: str | None) -> ModelInfo | None:
        """What is known of the chosen model. Raises ForUser for one that is not listed, naming the nearest ones."""
        catalogue = self._services.catalogue
        info = catalogue.get(model or self._services.settings.model)
        if model and info is None and catalogue.all():
            nearest = ", ".join(f"`{name}`" for name in catalogue.nearest(model))
            raise ForUser(f"I do not know this model. {f'Did you mean {nearest}?' if nearest else ''}".strip())
        return info

    async def _conversation(
        self, interaction: discord.Interaction[Client], prompt: str, model: str | None, effort: str | None
    ) -> Conversation:
        channel_id, title = interaction.channel_id or 0, ""
        if interaction.guild is not None:
            message = await interaction.original_response()
            thread = await message.create_thread(name=thread_name(prompt), auto_archive_duration=1440)
            channel_id, title = thread.id, thread.name
        return Conversation(
            channel_id,
            interaction.guild_id,
            interaction.user.id,
            title=title,
            model=model,
            effort=effort,
            created_at=interaction.created_at.timestamp(),
        )


def _check_thread_possible(interaction: discord.Interaction[Client]) -> None:
    if not isinstance(interaction.channel, discord.TextChannel):
        raise ForUser(NO_THREAD_HERE)
    rights = interaction.app_permissions
    if not (rights.create_public_threads and rights.send_messages_in_threads):
        raise ForUser(NO_RIGHTS)


def _quoted(prompt: str, name: str) -> str:
    """The prompt as a quote, for the others in the channel cannot see what was typed into a command."""
    shown = prompt if len(prompt) <= QUOTED else prompt[: QUOTED - 1] + "…"
    return f"-# {discord.utils.escape_markdown(one_line(name))} asked\n>>> {shown}"


def _described(info: ModelInfo) -> str:
    """A model's name, window and price in at most 100 characters."""
    window = f"{info.context_tokens // 1000}k"
    price = ""
    if info.prompt_price is not None and info.completion_price is not None:
        price = f" · ${info.prompt_price / 1000:.2f}/${info.completion_price / 1000:.2f} per M"
    return f"{info.name[: 95 - len(window) - len(price)]} · {window}{price}"


def _on_offer(efforts: tuple[str, ...]) -> str:
    return f"It offers {', '.join(efforts)}." if efforts else "Please leave the effort out."


async def setup(client: Client) -> None:
    await client.add_cog(Ask(client))
