"""Questions that are answered in place of their interaction, because the bot may post nothing else there.

Each is a conversation of its own, and each click on a button below the answer
brings the token by which it goes on. Where that is so is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord

from bot.errors import ForUser
from bot.limits import Asker
from bot.messages import Conversation, Listen, Said, Turn
from cogs.attachments import read_attachments

STILL_RUNNING = "This question is being answered already."


async def ask_in_place(
    interaction: discord.Interaction[Any],
    said: Said,
    attachments: Sequence[discord.Attachment] = (),
    *,
    model: str | None = None,
    effort: str | None = None,
    remarks: tuple[str, ...] = (),
    needs_files: bool = False,
) -> None:
    """Answer what was said, with the files that belong to it; `remarks` are shown with the answer.

    Raises ForUser where it `needs_files` and none of them can be used.
    """
    services = interaction.client.services
    said = replace(said, roles=())  # what holds in a server that has not invited the bot is not known
    await _check_may_ask(interaction, said.author_id)
    response_id = await _defer(interaction)
    parts, unread = await read_attachments(attachments)
    if needs_files and not parts:
        await interaction.delete_original_response()  # for it cannot become private any more
        raise ForUser(" ".join(unread))
    asked_at = interaction.created_at.timestamp()
    conversation = Conversation(
        said.id, None, said.author_id, model=model, effort=effort, listen=Listen.NOTHING, created_at=asked_at
    )
    services.poster.in_place.open(conversation.id, interaction, response_id)
    question = replace(said, parts=(*said.parts, *parts))
    if await services.chat.ask(conversation, question, remarks=(*remarks, *unread), pages=(response_id,)) is None:
        await interaction.delete_original_response()
        raise ForUser(STILL_RUNNING)


async def is_in_place(interaction: discord.Interaction[Any], turn: Turn) -> bool:
    """Whether a turn was answered in place of an interaction."""
    conversation = await interaction.client.services.store.conversation(turn.conversation_id)
    return conversation is not None and conversation.is_in_place


async def retry_in_place(interaction: discord.Interaction[Any], turn: Turn) -> None:
    """Answer again: in the same message if there is only one, else below, for a token opens no older ones."""
    if turn.status.unfinished:
        raise ForUser(STILL_RUNNING)
    services = interaction.client.services
    await _check_may_ask(interaction, turn.asker_id)
    pages: tuple[int, ...] = ()
    if _is_only_page(interaction, turn):
        await interaction.response.defer()
        response_id = turn.pages[0]
    else:
        response_id = await _defer(interaction)
        pages = (response_id,)
    services.poster.in_place.open(turn.conversation_id, interaction, response_id)
    await services.chat.retry(turn.id, pages=pages)


async def go_on_in_place(interaction: discord.Interaction[Any], turn: Turn, said: Said) -> None:
    """Continue an answer below it."""
    if turn.status.unfinished:
        raise ForUser(STILL_RUNNING)
    services = interaction.client.services
    await _check_may_ask(interaction, said.author_id)
    response_id = await _defer(interaction)
    services.poster.in_place.open(turn.conversation_id, interaction, response_id)
    await services.chat.go_on(turn.id, said, pages=(response_id,))


async def show_end_in_place(interaction: discord.Interaction[Any], turn: Turn) -> bool:
    """Show how an answer ended whose token ended first, as after a restart; False where a click cannot change that."""
    if turn.status.unfinished or not _is_only_page(interaction, turn):
        return False
    services = interaction.client.services
    await interaction.response.defer()
    services.poster.in_place.open(turn.conversation_id, interaction, turn.pages[0])
    await services.chat.redraw(turn.id)
    return True


def _is_only_page(interaction: discord.Interaction[Any], turn: Turn) -> bool:
    return interaction.message is not None and turn.pages == (interaction.message.id,)


async def _check_may_ask(interaction: discord.Interaction[Any], user_id: int) -> None:
    """Raise ForUser where a question would be refused, before there is a response that cannot become private."""
    by = Asker(user_id, (), interaction.created_at.timestamp())
    await interaction.client.services.chat.check_may_ask(by, guild_id=None, channels=())


async def _defer(interaction: discord.Interaction[Any]) -> int:
    """Say that an answer is coming, and return the id of the message that will show it."""
    response = await interaction.response.defer(thinking=True)
    if response is not None and response.message_id is not None:
        return response.message_id
    return (await interaction.original_response()).id
