"""`/ask`: a question without a mention, with its options.

Opens a thread in a server's channel; in a thread, or in a DM, the question is
asked there. Where the bot is no member, the command's own response is the answer.
The model and the effort hold for the whole thread, from then on.
"""

from __future__ import annotations

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.errors import ForUser
from bot.incoming import is_blank, one_line, thread_name
from bot.messages import Conversation, Text
from bot.starting import Spot
from cogs.attachments import read_attachments
from cogs.here import asker, check_may_ask, said_by
from cogs.in_place import ask_in_place
from cogs.picking import Picker
from cogs.threads import check_interaction, earlier_in, joined, open_thread, spot_of

QUOTED = 1_500
"""How much of the prompt is quoted in the channel, in characters."""

NOT_YOURS = (
    "Only the person who began this thread, or a moderator, can change its model or effort. "
    "Please ask without these options, or in a channel, where a thread of your own is opened."
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
        file="A text or code file, an image or a PDF that belongs to it",
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
        by = asker(interaction.user, interaction.created_at)
        settings = await self._services.admission.settings_of(interaction.guild_id, by.roles)
        known = await self._services.store.conversation(interaction.channel_id or 0)
        spot = spot_of(interaction, known)
        guild_id = None if spot is Spot.IN_PLACE else interaction.guild_id
        picked = None if model is None else await self._picker.picked(model, guild_id)
        info, efforts = await self._picker.efforts(picked.model if picked else None, guild_id)
        if effort and info and effort not in efforts:
            raise ForUser(f"{info.name} does not offer the effort “{effort}” here. {_on_offer(efforts)}")
        check_interaction(interaction, spot)
        if spot is not Spot.IN_PLACE:
            await check_may_ask(interaction, conversation_id=known.id if known else 0)
        chosen = picked.model if picked else None
        notes = (picked.remark,) if picked and picked.remark else ()
        files = [file] if file else []
        if spot is Spot.IN_PLACE:
            said = said_by(interaction, prompt)
            await ask_in_place(interaction, said, files, model=chosen, effort=effort, remarks=notes)
            return
        if known is not None and (chosen or effort):
            _check_may_choose(interaction, known)
            known = _with_choice(known, chosen, effort)
            await self._services.store.set_model(known.id, known.model)
            await self._services.store.set_effort(known.id, known.effort)
        quote = await interaction.response.send_message(_quoted(prompt, interaction.user.display_name))
        parts, remarks = await read_attachments(files, settings)
        conversation = known or _with_choice(await self._begun(interaction, spot, prompt), chosen, effort)
        parts, remarks, quoted = (Text(prompt), *parts), (*notes, *remarks), ()
        if spot is Spot.THREAD:
            me = self._client.user
            earlier, trouble, quoted = await earlier_in(interaction.channel, me, settings, before=interaction)
            parts, remarks = (*earlier, *parts), (*remarks, *trouble)
        # The quote stands for the question: whoever deletes it takes the question back.
        said = replace(said_by(interaction, prompt, said_id=quote.message_id), parts=parts, quoted=quoted)
        await self._services.chat.ask(conversation, said, remarks=remarks)
        if quote.message_id is not None:
            await self._services.store.note_quote(said.id, interaction.channel_id or 0, quote.message_id)

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

    async def _begun(self, interaction: discord.Interaction[Client], spot: Spot, prompt: str) -> Conversation:
        """A new conversation where the answer goes: for a channel in a new thread on the prompt, as quoted there."""
        channel_id, asker_id = interaction.channel_id or 0, interaction.user.id
        at = interaction.created_at.timestamp()
        if spot is Spot.THREAD:
            return joined(channel_id, interaction.channel, asker_id, at, interaction.guild_id)
        parent_id, title = None, ""
        if spot is Spot.CHANNEL:
            parent_id, title = channel_id, thread_name(prompt)
            message = await interaction.original_response()
            try:
                channel_id = (await open_thread(message, title)).id
            except ForUser:
                await interaction.delete_original_response()
                raise
        return Conversation(channel_id, interaction.guild_id, asker_id, title=title, created_at=at, parent_id=parent_id)


def _with_choice(conversation: Conversation, model: str | None, effort: str | None) -> Conversation:
    return replace(conversation, model=model or conversation.model, effort=effort or conversation.effort)


def _check_may_choose(interaction: discord.Interaction[Client], known: Conversation) -> None:
    if interaction.user.id != known.owner_id and not interaction.permissions.manage_messages:
        raise ForUser(NOT_YOURS)


def _quoted(prompt: str, name: str) -> str:
    """The prompt as a quote, for the others in the channel cannot see what was typed into a command."""
    shown = prompt if len(prompt) <= QUOTED else prompt[: QUOTED - 1] + "…"
    return f"-# {discord.utils.escape_markdown(one_line(name))} asked\n>>> {shown}"


def _on_offer(efforts: tuple[str, ...]) -> str:
    return f"It offers {', '.join(efforts)}." if efforts else "Please leave the effort out."


async def setup(client: Client) -> None:
    await client.add_cog(Ask(client))
