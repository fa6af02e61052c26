"""Puts pages onto Discord with discord.py, and turns Discord's refusals into our own errors.

Implements the live renderer's port, the queue's marks and the letters to people
whose answer cannot be shown. It knows nothing of conversations or models: a page
in, a message id out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import discord
from discord.http import MultipartParameters

from bot.errors import RetryLater, describe
from bot.impatience import impatient
from bot.in_place import TOKEN_SECONDS, InPlace
from bot.messages import JsonObject
from bot.refusals import ARCHIVED, Refusals
from bot.render.page import Page
from bot.widgets import allowed_mentions, components, files, shows, view

log = logging.getLogger(__name__)

WAITING = "⏳"


@dataclass(frozen=True, slots=True)
class _Lent:
    """An interaction on a message, by whose token the message can be edited until `ends` (monotonic seconds)."""

    interaction: discord.Interaction[Any]
    ends: float


class Poster:
    """Sends, edits and deletes messages by id. It keeps no state of them but the tokens that are lent to it.

    What is shown in place of an interaction goes through `in_place`, whichever channel it is in.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._lent: dict[int, _Lent] = {}
        self.in_place = InPlace()

    def is_in_place(self, channel_id: int) -> bool:
        return self.in_place.knows(channel_id)

    def lend(self, interaction: discord.Interaction[Any]) -> None:
        """Use the token of a deferred click on a button for edits of the button's message, as long as it is good."""
        now = time.monotonic()
        self._lent = {message_id: lent for message_id, lent in self._lent.items() if now < lent.ends}
        if interaction.message is not None:
            self._lent[interaction.message.id] = _Lent(interaction, now + TOKEN_SECONDS)

    def has_token(self, message_id: int) -> bool:
        """Whether a token is at hand to edit the message with."""
        lent = self._lent.get(message_id)
        return lent is not None and time.monotonic() < lent.ends

    async def send(self, channel_id: int, page: Page, *, nonce: str, reply_to: int | None, turn_id: int) -> int:
        """Send a page once, however often this is called with the same nonce within minutes. Returns its id.

        For a nonce that it knows Discord gives the message it made before, which may show an older page.
        Files are attached by `edit` alone.
        """
        if self.in_place.knows(channel_id):
            return await self.in_place.send(channel_id, page, turn_id=turn_id)
        channel = self._client.get_partial_messageable(channel_id)
        reference = None
        if reply_to is not None:
            reference = channel.get_partial_message(reply_to).to_reference(fail_if_not_exists=False)
        send = cast(
            Callable[..., Awaitable[discord.Message]], channel.send
        )  # its overloads refuse None for what may be absent
        async with Refusals():
            message = await send(
                page.content,
                view=view(page, turn_id),
                nonce=nonce,
                reference=reference,
                mention_author=False,
                allowed_mentions=allowed_mentions(page),
            )
        if not shows(message, page, turn_id):
            await self.edit(channel_id, message.id, page, turn_id=turn_id)
        return message.id

    async def edit(
        self, channel_id: int, message_id: int, page: Page, *, turn_id: int, with_token: bool = False
    ) -> None:
        """Let a message show a page. A token that is refused is forgotten, and the bot's own used instead."""
        if self.in_place.knows(channel_id):
            await self.in_place.edit(message_id, page, turn_id=turn_id)
            return
        if with_token and await self._edit_with_token(message_id, page, turn_id):
            return

        def edit() -> Awaitable[object]:
            if not page.files:
                return self._edit_text(channel_id, message_id, page, turn_id)
            message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
            return message.edit(content=page.content, view=view(page, turn_id), attachments=files(page))

        await self._in_open_thread(channel_id, edit, with_files=bool(page.files))

    def _edit_text(self, channel_id: int, message_id: int, page: Page, turn_id: int) -> Awaitable[object]:
        """Edit a message that has no files: what happens all the time, without making a message of Discord's answer."""
        mentions = self._client.allowed_mentions or discord.AllowedMentions.none()
        shown: JsonObject = {
            "content": page.content,
            "components": [*components(page.controls, turn_id)],
            "attachments": [],
            "allowed_mentions": cast("JsonObject", mentions.to_dict()),
        }
        parameters = MultipartParameters(payload=shown, multipart=None, files=None)
        return self._client.http.edit_message(channel_id, message_id, params=parameters)

    async def _edit_with_token(self, message_id: int, page: Page, turn_id: int) -> bool:
        """Edit with the token that was lent for a message; one that is refused is forgotten. False if it was."""
        lent = self._lent.pop(message_id, None)
        if lent is None:
            return False
        edit = lent.interaction.edit_original_response
        async with Refusals():
            try:
                await edit(content=page.content, view=view(page, turn_id), attachments=files(page))
            except discord.HTTPException as refusal:
                if refusal.status == 429 or refusal.status >= 500:
                    raise
                return False
        self._lent[message_id] = lent
        return True

    async def delete(self, channel_id: int, message_id: int) -> None:
        if self.in_place.knows(channel_id):
            await self.in_place.delete(message_id)
            return
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        await self._in_open_thread(channel_id, message.delete)

    async def typing(self, channel_id: int) -> None:
        if self.in_place.knows(channel_id):
            return
        async with Refusals():
            await self._client.http.send_typing(channel_id)

    async def waiting(self, channel_id: int, message_id: int, waits: bool) -> None:
        """Mark a question that waits, or take the mark away; best effort, for a mark is only a courtesy."""
        if self.in_place.knows(channel_id):
            return
        place = self._place_of(channel_id, message_id)
        message = self._client.get_partial_messageable(place).get_partial_message(message_id)
        try:
            async with asyncio.timeout(10):
                with impatient():
                    if waits:
                        await message.add_reaction(WAITING)
                    elif self._client.user is not None:
                        await message.remove_reaction(WAITING, self._client.user)
        except (discord.DiscordException, aiohttp.ClientError, OSError, RetryLater) as error:
            log.debug("a waiting mark was not possible: %s", describe(error))

    async def tell(self, user_id: int, text: str) -> None:
        """Write to somebody privately; best effort, for people may refuse letters."""
        try:
            async with asyncio.timeout(10):
                with impatient():
                    channel = await self._client.create_dm(discord.Object(user_id))
                    await channel.send(text)
        except (discord.DiscordException, aiohttp.ClientError, OSError, RetryLater) as error:
            log.warning("somebody could not be told that their answer is not shown: %s", describe(error))

    def _place_of(self, thread_id: int, message_id: int) -> int:
        """Where a question stands: the one that a thread was opened on has the thread's id, and is not in it.

        A forum's post is (Discord, "Threads").
        """
        thread = self._client.get_channel(thread_id) if thread_id == message_id else None
        if isinstance(thread, discord.Thread) and not isinstance(thread.parent, discord.ForumChannel):
            return thread.parent_id
        return thread_id

    async def _in_open_thread(
        self, channel_id: int, work: Callable[[], Awaitable[object]], *, with_files: bool = False
    ) -> None:
        """Do something in a channel; a thread that was archived meanwhile is opened again for it."""
        async with Refusals(with_files=with_files):
            try:
                await work()
            except discord.HTTPException as refusal:
                if refusal.code != ARCHIVED or not await self._reopen(channel_id):
                    raise
                await work()

    async def _reopen(self, channel_id: int) -> bool:
        """Take a thread out of the archive; False if that is not allowed."""
        try:
            thread = await self._client.fetch_channel(channel_id)
            if not isinstance(thread, discord.Thread):
                return False
            await thread.edit(archived=False)
        except discord.Forbidden:
            return False
        return True
