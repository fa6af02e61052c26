"""`/ask`: a question without a mention, with its options.

Opens a thread in a server's channel; in a conversation of ours, or in a DM, the
question is asked in place.
"""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.errors import ForUser
from bot.incoming import is_blank, one_line, thread_name
from bot.messages import Conversation, Said, Text
from cogs.attachments import read_attachments
from cogs.picking import Picker

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
        self._picker = Picker(client.services)

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
        picked = None if model is None else await self._picker.picked(model, interaction.guild_id)
        info, efforts = await self._picker.efforts(picked.model if picked else None, interaction.guild_id)
        if effort and info and effort not in efforts:
            raise ForUser(f"{info.name} does not offer the effort “{effort}” here. {_on_offer(efforts)}")
        known = await self._services.store.conversation(interaction.channel_id or 0)
        if known is None and interaction.guild is not None:
            _check_thread_possible(interaction)
        said_by = interaction.user.display_name
        await interaction.response.send_message(_quoted(prompt, said_by))
        parts, remarks = await read_attachments([file] if file else [])
        if picked and picked.remark:
            remarks = (*remarks, picked.remark)
        conversation = known or await self._conversation(interaction, prompt, picked.model if picked else None, effort)
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
        return await self._picker.models(interaction, typed)

    @ask.autocomplete("effort")
    async def _effort(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return await self._picker.in_time(self._offered(interaction, typed))

    async def _offered(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        model: str | None = interaction.namespace.model
        _, efforts = await self._picker.efforts(model, interaction.guild_id)
        return [app_commands.Choice(name=name, value=name) for name in efforts if typed.strip().casefold() in name]

    async def _conversation(
        self, interaction: discord.Interaction[Client], prompt: str, model: str | None, effort: str | None
    ) -> Conversation:
        channel_id = interaction.channel_id or 0
        if interaction.guild is not None:
            message = await interaction.original_response()
            thread = await message.create_thread(name=thread_name(prompt), auto_archive_duration=1440)
            channel_id = thread.id
        return Conversation(
            channel_id,
            interaction.guild_id,
            interaction.user.id,
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


def _on_offer(efforts: tuple[str, ...]) -> str:
    return f"It offers {', '.join(efforts)}." if efforts else "Please leave the effort out."


async def setup(client: Client) -> None:
    await client.add_cog(Ask(client))
