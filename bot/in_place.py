"""Answers in place of an interaction, where the bot may not post: other servers, and other people's direct messages.

Whoever installed the bot for themselves may use it everywhere, but all that it
can do there is to change its response and to add followups, by a token that is
good for a quarter of an hour. Tokens are never written down, so a restart ends
what they began. This module knows nothing of what a page says.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import discord

from bot.errors import ShowError
from bot.refusals import TIME_OVER, Refusals
from bot.render.page import Page
from bot.widgets import allowed_mentions, files, view

TOKEN_SECONDS = 14 * 60.0
"""How long a token is used. Discord, 'Receiving and Responding to Interactions': good for 15 minutes."""

ENDING_SECONDS = 30.0
"""Of these, what is left for the end of an answer: its last pages and its files."""

_REMEMBERED_SECONDS = 3600.0
"""How long a token that is good for nothing any more is still known, so that nobody looks for a channel instead."""


@dataclass(frozen=True, slots=True)
class _Token:
    """An interaction, its response, and until when (monotonic seconds) its token is used."""

    interaction: discord.Interaction[Any]
    response_id: int
    ends: float


class InPlace:
    """The answers that are shown by interactions' tokens, by the id of their conversation."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._current: dict[int, _Token] = {}
        self._of_message: dict[int, _Token] = {}

    def open(self, conversation_id: int, interaction: discord.Interaction[Any], response_id: int) -> None:
        """Show a conversation's next answer by the token of an interaction; `response_id` is its response's message."""
        now = self._clock()
        self._forget(now - _REMEMBERED_SECONDS)
        token = _Token(interaction, response_id, now + TOKEN_SECONDS)
        self._current[conversation_id] = self._of_message[response_id] = token

    def knows(self, conversation_id: int) -> bool:
        """Whether a conversation's answers are shown in place."""
        return conversation_id in self._current

    def seconds_left(self, conversation_id: int) -> float | None:
        """How long the model may still take; None where there is no such limit."""
        token = self._current.get(conversation_id)
        return None if token is None else max(0.0, token.ends - ENDING_SECONDS - self._clock())

    async def send(self, conversation_id: int, page: Page, *, turn_id: int) -> int:
        """Post a page as a followup and return its id. Discord knows no nonce here: a lost answer may show it twice."""
        token = self._good(self._current.get(conversation_id))
        send = cast(Callable[..., Awaitable[discord.WebhookMessage]], token.interaction.followup.send)
        more: dict[str, Any] = {}
        if (buttons := view(page, turn_id)) is not None:
            more["view"] = buttons
        if (mentions := allowed_mentions(page)) is not None:
            more["allowed_mentions"] = mentions
        async with Refusals():
            message = await send(page.content, wait=True, **more)
        self._of_message[message.id] = token
        return message.id

    async def edit(self, message_id: int, page: Page, *, turn_id: int) -> None:
        """Let a message show a page."""
        token = self._good(self._of_message.get(message_id))
        shown: dict[str, Any] = {
            "content": page.content,
            "view": view(page, turn_id),
            "attachments": files(page),
        }
        async with Refusals(with_files=bool(page.files)):
            if message_id == token.response_id:
                await token.interaction.edit_original_response(**shown)
            else:
                await token.interaction.followup.edit_message(message_id, **shown)

    async def delete(self, message_id: int) -> None:
        token = self._good(self._of_message.get(message_id))
        async with Refusals():
            if message_id == token.response_id:
                await token.interaction.delete_original_response()
            else:
                await token.interaction.followup.delete_message(message_id)

    def _good(self, token: _Token | None) -> _Token:
        if token is None or self._clock() >= token.ends:
            raise ShowError(TIME_OVER)
        return token

    def _forget(self, before: float) -> None:
        self._current = {key: token for key, token in self._current.items() if token.ends > before}
        self._of_message = {key: token for key, token in self._of_message.items() if token.ends > before}
