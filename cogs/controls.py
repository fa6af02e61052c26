"""The buttons under answers, and the commands that do the same.

A button carries its turn's id, so that it works after a restart without any
state of its own.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, tell
from bot.errors import ForUser
from bot.incoming import one_line
from bot.messages import Turn
from bot.model import short_name
from bot.render.files import whole_answer
from bot.render.page import Control
from cogs.here import NOT_HERE, check_may_ask, check_may_ask_here, said_by
from cogs.in_place import go_on_in_place, is_in_place, retry_in_place, show_end_in_place
from cogs.picking import Picker
from cogs.reasoning import show_thoughts

GONE = "This answer is not known any more; it was deleted. Please ask again."
NOT_YOURS = "Only the person who asked, or a moderator, can do this."
EPHEMERAL_LIMIT = 2_000


class ControlButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"cogitor:.*",
):
    """Any button under an answer; one with an identity that we never gave out does nothing but say so."""

    def __init__(self, custom_id: str) -> None:
        super().__init__(discord.ui.Button(custom_id=custom_id))
        self._custom_id = custom_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(match.string)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await press(interaction, *_read(self._custom_id))
        except Exception as error:  # noqa: BLE001 - the edge of one click: whatever went wrong is told to its person
            await tell(interaction, error)


def _read(custom_id: str) -> tuple[Control, int]:
    """What a button does, and to which turn. Raises ForUser."""
    found = re.fullmatch(r"cogitor:([a-z]+):([0-9]{1,18})", custom_id)
    if found is None or found[1] not in set(Control):
        raise ForUser(GONE)
    return Control(found[1]), int(found[2])


class ReplyBox(discord.ui.Modal, title="Reply to Cogitor"):
    """Where a member writes when the bot may not read the thread's messages."""

    text = discord.ui.TextInput[Self](
        label="Your message", style=discord.TextStyle.paragraph, max_length=4000, required=True
    )

    def __init__(self, turn: Turn) -> None:
        super().__init__(timeout=900)
        self._turn = turn

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        services = interaction.client.services
        conversation = await services.store.conversation(self._turn.conversation_id)
        if conversation is None:
            raise ForUser(GONE)
        await check_may_ask(interaction, conversation_id=conversation.id)
        name = discord.utils.escape_markdown(one_line(interaction.user.display_name))
        quote = await interaction.response.send_message(f"-# {name} replied\n>>> {self.text.value[:1900]}")
        said = said_by(interaction, self.text.value)
        # The quote stands for the question: whoever deletes it takes the question back.
        await services.chat.ask(conversation, replace(said, id=quote.message_id or said.id))
        if quote.message_id is not None:
            await services.store.note_quote(quote.message_id, conversation.id, quote.message_id)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        await tell(interaction, error)


async def press(interaction: discord.Interaction[Any], control: Control, turn_id: int) -> None:
    """Do what a button says. Raises ForUser where it cannot be done."""
    services = interaction.client.services
    turn = await services.store.turn(turn_id)
    if turn is None:
        raise ForUser(GONE)
    in_place = await is_in_place(interaction, turn)
    match control:
        case Control.STOP:
            _check_owner(interaction, turn)
            if not services.chat.stop(turn.conversation_id):
                if in_place and await show_end_in_place(interaction, turn):
                    return
                raise ForUser("This answer has already ended.")
            await interaction.response.defer()
        case Control.RETRY if in_place:
            _check_owner(interaction, turn)
            await retry_in_place(interaction, turn)
        case Control.CONTINUE if in_place:
            _check_owner(interaction, turn)
            await go_on_in_place(interaction, turn, said_by(interaction, ""))
        case Control.RETRY:
            _check_owner(interaction, turn)
            by = await check_may_ask_here(interaction)
            await interaction.response.defer()
            services.poster.lend(interaction)
            await services.chat.retry(turn.id, by=by)
        case Control.CONTINUE:
            _check_owner(interaction, turn)
            await check_may_ask_here(interaction)
            await interaction.response.defer()
            await services.chat.go_on(turn.id, said_by(interaction, ""))
        case Control.REASONING:
            await show_thoughts(interaction, turn)
        case Control.SOURCE:
            await _show_source(interaction, turn)
        case Control.REPLY:
            await interaction.response.send_modal(ReplyBox(turn))


class Controls(commands.Cog):
    """`/stop` and `/retry`, and the buttons."""

    def __init__(self, client: Client) -> None:
        self._services = client.services
        self._picker = Picker(client.services)
        client.add_dynamic_items(ControlButton)

    @app_commands.command(name="stop", description="Stop the answer that is running in this thread")
    async def stop(self, interaction: discord.Interaction[Client]) -> None:
        running = self._services.chat.running_turn(interaction.channel_id or 0)
        turn = running or await self._last_turn(interaction)
        _check_owner(interaction, turn)
        if not self._services.chat.stop(turn.conversation_id):
            raise ForUser("No answer is running here.")
        await interaction.response.send_message("Stopped. What had come is kept.", ephemeral=True)

    @app_commands.command(name="retry", description="Answer the last question in this thread again")
    @app_commands.describe(model="Which model answers it this time; without it, the same as before")
    async def retry(
        self, interaction: discord.Interaction[Client], model: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        turn = await self._last_turn(interaction)
        _check_owner(interaction, turn)
        by = await check_may_ask_here(interaction)
        picked = None if model is None else await self._picker.picked(model, interaction.guild_id)
        await self._services.chat.retry(turn.id, model=picked.model if picked else None, by=by)
        by = f", with {short_name(picked.model)}" if picked else ""
        told = [f"I am answering the last question again{by}.", picked.remark if picked else None]
        await interaction.response.send_message(" ".join(filter(None, told)), ephemeral=True)

    @retry.autocomplete("model")
    async def _models(self, interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return await self._picker.models(interaction, typed)

    async def _last_turn(self, interaction: discord.Interaction[Client]) -> Turn:
        turn = await self._services.store.last_turn(interaction.channel_id or 0)
        if turn is None:
            raise ForUser(NOT_HERE)
        return turn


def _check_owner(interaction: discord.Interaction[Any], turn: Turn) -> None:
    if interaction.user.id != turn.asker_id and not interaction.permissions.manage_messages:
        raise ForUser(NOT_YOURS)


async def _show_source(interaction: discord.Interaction[Any], turn: Turn) -> None:
    """Give the answer as the model wrote it, so far, to whoever asks, for all who see the button see the answer."""
    text = turn.text
    if not text.strip():
        raise ForUser("There is no answer yet. Please try again in a moment.")
    block = f"```md\n{text}\n```"
    if len(block) <= EPHEMERAL_LIMIT and "``" not in text:
        await interaction.response.send_message(block, ephemeral=True)
        return
    answer = whole_answer(text)
    file = discord.File(io.BytesIO(answer.data), answer.name)
    note = "The answer as the model wrote it:" if not turn.status.unfinished else "The answer as far as it has come:"
    await interaction.response.send_message(note, file=file, ephemeral=True)


async def setup(client: Client) -> None:
    await client.add_cog(Controls(client))
